// The transports that go by requests: loaded apart, for most networks never need them.

export { openLongPoll, openShortPoll } from "./poll";
export { openEventStream, probeEventStream } from "./sse";
