// All that the page says in Russian before another part of it is fetched.

export { ru as words } from "./ru";
export { ru as secrecy } from "./secrecy/ru";
