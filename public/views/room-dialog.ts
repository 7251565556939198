/** The dialogs of a room that its header opens. */
export type RoomDialog = "invite" | "people" | "encryption" | "leave";
