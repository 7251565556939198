// Follows a stream of events with one of Node's clients, and prints what each event says, a line each.

import http from "node:http";
import { EventSource } from "eventsource";

const [which, url] = process.argv.slice(2);

function say(text) {
  for (const line of text.split("\n")) {
    if (line.startsWith("data: ")) console.log(line.slice(6));
  }
}

const clients = {
  async fetch() {
    const answer = await fetch(url);
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) say(text);
  },
  http() {
    http.get(url, (answer) => answer.setEncoding("utf8").on("data", say));
  },
  eventsource() {
    const source = new EventSource(url);
    source.onmessage = (event) => console.log(event.data);
  },
};

await clients[which]();
