// The English texts of the first view; lazy parts bring their own.

export { en as texts } from "./en";
export { en as encryption } from "./encryption/en";
