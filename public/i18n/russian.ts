// The Russian texts of the first view; lazy parts bring their own.

export { ru as texts } from "./ru";
export { ru as encryption } from "./encryption/ru";
