// The dialogs that a room opens, in a chunk of their own.

export { default as Invite } from "./Invite.svelte";
export { default as VideoLoader } from "./VideoLoader.svelte";
