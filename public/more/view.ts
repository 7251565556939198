// What the menu's part shows: nothing, the menu, a search, or the shortcuts, asked for by their key or in the menu.

export type MoreView = "" | "menu" | "search" | "key" | "shortcuts";
