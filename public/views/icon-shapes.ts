// The paths of the icons that the first visit may need, on a grid of 24.

export const SHAPES = {
  copy: "M9 9h10v10H9zM5 15V5h10",
  check: "M5 12.5l4.5 4.5L19 7.5",
  verified: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM8.2 12.3l2.7 2.7 5-5.5",
  people:
    "M9 11a3.2 3.2 0 1 0 0-6.4A3.2 3.2 0 0 0 9 11zM2.8 19c.6-3.2 3-5 6.2-5s5.6 1.8 6.2 5M15.5 5a3.2 3.2 0 0 1 0 5.9M17.3 14.3c2.1.7 3.5 2.3 3.9 4.7",
  invite: "M9.5 11a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4zM3.3 19c.6-3.2 3-5 6.2-5s5.6 1.8 6.2 5M19 7v6M16 10h6",
  leave: "M14 4.5H6.5v15H14M11 12h10M17.5 8.5L21 12l-3.5 3.5",
  close: "M6 6l12 12M18 6L6 18",
  send: "M12 19V5.5M6 11l6-6 6 6",
  down: "M12 5v13.5M6 13l6 6 6-6",
  clock: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 8v4.3l2.8 1.7",
  warn: "M12 4l9 16H3zM12 10v4.5M12 17.2v.1",
  video: "M3.5 7h11v10h-11zM14.5 10.5L20.5 7v10l-6-3.5",
  locked: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  unlocked: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 6.8-1.2",
  share: "M12 15V4M8 7.5L12 3.5l4 4M6 12H5v8.5h14V12h-1",
  more: "M4.5 12h1M11.5 12h1M18.5 12h1",
} as const;
export type Shape = keyof typeof SHAPES;
