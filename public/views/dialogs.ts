// The dialogs that a room opens, in a chunk of their own.

export { default as ConfirmUnencrypted } from "./ConfirmUnencrypted.svelte";
export { default as Interrupted } from "./Interrupted.svelte";
export { default as RoomDialogs } from "./RoomDialogs.svelte";
export { default as VideoLoader } from "./VideoLoader.svelte";
