// The carriers that go by requests: loaded apart, for most networks never need them.

export { openLongPoll, openShortPoll } from "./poll";
export { openStream, probeStream } from "./sse";
