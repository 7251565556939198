// What only a room with a key needs, in a chunk of its own.

export { RoomCipher } from "./cipher";
export { Sealer } from "./sealer";
