// The host's dialogs, in a chunk of their own: most members never see them.

export { default as MemberActions } from "./MemberActions.svelte";
export { default as Settings } from "./Settings.svelte";
