// What a room with a host shows of it, in a chunk of its own.

export { default as HostBar } from "./HostBar.svelte";
export { default as MemberButton } from "./MemberButton.svelte";
export { default as MemberRole } from "./MemberRole.svelte";
export { hostNotice } from "./notices";
