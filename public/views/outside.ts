// The views outside of a room, in a chunk of their own: a visit to a room needs none of them.

import "./serif.css";

export { default as DamagedLink } from "./DamagedLink.svelte";
export { default as Landing } from "./Landing.svelte";
export { default as NamePrompt } from "./NamePrompt.svelte";
