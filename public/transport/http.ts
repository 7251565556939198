// The transports over HTTP requests, in a chunk of their own: most networks never need them.

export { openLongPoll, openShortPoll } from "./poll";
export { openEventStream, probeEventStream } from "./sse";
