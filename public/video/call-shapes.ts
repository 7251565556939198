// The paths of the icons of a call.

import { SHAPES } from "../views/icon-shapes";

export const CALL_SHAPES = {
  ...SHAPES,
  videoOff: "M3.5 7h11v10h-11zM14.5 10.5L20.5 7v10l-6-3.5M3 3l18 18",
  mic: "M12 14.5a3 3 0 0 0 3-3v-4a3 3 0 0 0-6 0v4a3 3 0 0 0 3 3zM6 11.5a6 6 0 0 0 12 0M12 17.5V21",
  micOff: "M12 14.5a3 3 0 0 0 3-3v-4a3 3 0 0 0-6 0v4a3 3 0 0 0 3 3zM6 11.5a6 6 0 0 0 12 0M12 17.5V21M4 3l16 18",
  screen: "M3 5h18v11H3zM8 20h8M12 16v4M12 13V8.5M9.5 10.5L12 8l2.5 2.5",
  hand: "M7 12V6.5a1.3 1.3 0 0 1 2.6 0V11M9.6 11V4.8a1.3 1.3 0 0 1 2.6 0V11M12.2 11V5.5a1.3 1.3 0 0 1 2.6 0V12M14.8 12V8a1.3 1.3 0 0 1 2.6 0v6c0 4-2.4 6.5-5.6 6.5-3 0-4.3-1.5-6.8-6 1-1 2-.8 3.3 1.5",
  hangUp: "M3.5 13.5c5-4.6 12-4.6 17 0l-1.8 3-3.7-1.5v-2.4c-2-.6-4-.6-6 0V15l-3.7 1.5z",
  grid: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  focus: "M4 4h16v10H4zM4 17h4v3H4zM10 17h4v3h-4zM16 17h4v3h-4z",
  float: "M3 5h18v14H3zM12 12h7v5h-7z",
  weak: "M5 19v-3M10 19v-6M15 19v-.1M20 19v-.1",
  lost: "M5 19v-3M10 19v-6M15 19V9M20 19V5M3 3l18 18",
  pin: "M9 3.5h6M10 3.5v6L6.5 14h11L14 9.5v-6M12 14v6.5",
  move: "M12 3v18M3 12h18M9.5 5.5L12 3l2.5 2.5M9.5 18.5L12 21l2.5-2.5M5.5 9.5L3 12l2.5 2.5M18.5 9.5L21 12l-2.5 2.5",
  previous: "M14.5 5.5L8 12l6.5 6.5",
  next: "M9.5 5.5L16 12l-6.5 6.5",
  speaker: "M4 9.5h3.5L12 5.5v13l-4.5-4H4zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11",
  back: "M9 14L4 9l5-5M4 9h10a5.5 5.5 0 0 1 0 11h-3",
  chat: "M4 5h16v11h-8.5L7 19.5V16H4z",
  test: "M3.5 10a12 12 0 0 1 17 0M6.8 13.4a7.4 7.4 0 0 1 10.4 0M10 16.7a2.8 2.8 0 0 1 4 0M12 19.5v.1",
  stats: "M5 19v-6M12 19V5M19 19v-9",
  saver: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14",
  devices: "M4 7.5h8M16 7.5h4M14 5.3v4.4M4 16.5h4M12 16.5h8M10 14.3v4.4",
} as const;
export type CallShape = keyof typeof CALL_SHAPES;
