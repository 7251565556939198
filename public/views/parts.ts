// Parts that a room does not show at first.

import { LazyPart } from "./lazy-parts.svelte";

export const loadReceipt = () => import("../receipt/ReceiptView.svelte");
export const loadExplanation = () => import("../e2ee/explanation");

/** What messages carry beside their text: reactions, and what they answer. */
export const carried = new LazyPart(() => import("./carried"));
/** What can be done with a message, and the composer's part in it. */
export const acting = new LazyPart(() => import("./acting"));
/** Texts with marks of Markdown, or with mentions. */
export const markedText = new LazyPart(() => import("./MarkedText.svelte"));
/** What the composer offers for a name or an emoji that was begun. */
export const completion = new LazyPart(() => import("./Completion.svelte"));
/** Files of messages, and what the composer takes of them. */
export const filing = new LazyPart(() => import("../files/part"));
/** What a room with a host shows of it, and what the host may do. */
export const hosting = new LazyPart(() => import("../host/part"));
/** What a call says among the messages. */
export const calls = new LazyPart(() => import("./CallLine.svelte"));
/** What the composer does with a text that begins with a slash. */
export const commands = new LazyPart(() => import("../commands/CommandBar.svelte"));
