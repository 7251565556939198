// All that the page says in English before another part of it is fetched.

export { en as words } from "./en";
export { en as secrecy } from "./secrecy/en";
