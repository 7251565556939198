// What is said of a call over its tiles.

export type CallNote = { text: string; bad: boolean };
