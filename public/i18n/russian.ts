// All that the page says in Russian before another part of it is fetched.

export { ru as texts } from "./ru";
export { ru as encryption } from "./encryption/ru";
