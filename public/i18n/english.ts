// All that the page says in English before another part of it is fetched.

export { en as texts } from "./en";
export { en as encryption } from "./encryption/en";
