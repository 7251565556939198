// A parser of text/event-stream: an EventSource cannot send a ticket in a header.

export type StreamEvent = { data: string };

/** Takes the stream in chunks of any size. */
export class EventStreamParser {
  #rest = "";
  #data: string[] = [];

  /** The events completed by this chunk. */
  push(piece: string): StreamEvent[] {
    const events: StreamEvent[] = [];
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop()!;
    for (const line of lines) {
      if (line === "") {
        if (this.#data.length > 0) events.push({ data: this.#data.join("\n") });
        this.#data = [];
      } else if (line.startsWith("data:")) {
        this.#data.push(line.slice(line[5] === " " ? 6 : 5));
      }
    }
    return events;
  }
}
