// What can be done with a message, in a chunk of its own: a visitor reads first.

export { default as Actions } from "./Actions.svelte";
export { default as AttachButton } from "./AttachButton.svelte";
export { default as ComposerBar } from "./ComposerBar.svelte";
export { default as EmojiButton } from "./EmojiButton.svelte";
export { default as Fading } from "./Fading.svelte";
export { default as Mentions } from "./Mentions.svelte";
export { default as Refused } from "./Refused.svelte";
export { default as RenameButton } from "./RenameButton.svelte";
export { default as RoomFoot } from "./RoomFoot.svelte";
