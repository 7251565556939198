// How a user enters the call.

/**
 * - `prejoin`: by the dialog
 * - `audio`: by the dialog, with the camera off
 * - `rejoin`: at once, with the devices of before the page was reloaded
 */
export type CallEntry = "prejoin" | "audio" | "rejoin";
