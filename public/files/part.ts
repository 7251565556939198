// Files of messages, in a chunk of their own: it comes with the first file.

export { default as Attachments } from "./Attachments.svelte";
export { default as NoFiles } from "./NoFiles.svelte";
export { default as Tray } from "./Tray.svelte";
export { messageErrorText } from "./texts";
