// What messages carry beside their text, in a chunk of its own: most first visits see none of it.

export { default as Quote } from "./Quote.svelte";
export { default as Reactions } from "./Reactions.svelte";
