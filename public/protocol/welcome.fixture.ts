/** The first frame to a member alone in the room, as tests send it. */
export const WELCOME = {
  type: "welcome",
  clientId: "me",
  roomId: "r",
  user: "Ann",
  ticket: "t",
  cursor: "e-0",
  resumed: false,
  reset: false,
  lastN: 0,
  count: 0,
  members: [],
  history: [],
  limits: { textLength: 1, historyLength: 100, historyAge: 1, grace: 1, members: 1 },
  video: false,
  timestamp: "2026-01-02T03:04:05Z",
};
