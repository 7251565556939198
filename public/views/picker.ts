// The picker of emoji, in a chunk of its own; the emoji themselves are in another for each language.

import { LazyPart } from "./lazy-parts.svelte";

export const picker = new LazyPart(() => import("../picker/EmojiPicker.svelte"));
