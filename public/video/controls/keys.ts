// The keys of the call, pressed with Alt: one table for its controls and for the list of shortcuts.

export const CALL_KEYS = {
  mic: "M",
  camera: "V",
  screen: "S",
  hand: "H",
  chat: "T",
  layout: "G",
  devices: "C",
  hangUp: "L",
} as const;

/** On Apple keyboards Alt with a letter types another letter. */
export const APPLE = /^(Mac|iP)/.test(navigator.platform);

export const ALT = APPLE ? "⌥" : "Alt+";
