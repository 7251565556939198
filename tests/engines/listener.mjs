// A member without a browser, which records the frames it is sent.

const HEARD_WITHIN = 60_000;

export async function listener({ ends }, room, name = "Ben") {
  const { origin, pathname } = new URL(room);
  const at = `${origin}/api/rooms/${pathname.split("/r/")[1]}`;
  const gone = new AbortController();
  ends(() => gone.abort());
  const answer = await fetch(`${at}/events?name=${name}`, { signal: gone.signal });
  const frames = [];
  let ended = false;
  void read(answer.body, frames)
    .catch(() => {})
    .finally(() => (ended = true));
  const heard = async (what) => {
    const until = Date.now() + HEARD_WITHIN;
    for (;;) {
      const frame = frames.find(what);
      if (frame) return frame;
      if (ended || Date.now() > until) throw new Error(`not heard: ${what}, only ${JSON.stringify(frames)}`);
      await new Promise((then) => setTimeout(then, 25));
    }
  };
  const { ticket } = await heard(({ type }) => type === "welcome");
  return {
    frames,
    heard,
    texts: () => frames.filter(({ type }) => type === "chat").map(({ text }) => text),
    async say(text) {
      const said = await fetch(`${at}/messages`, {
        method: "POST",
        headers: { authorization: `Bearer ${ticket}` },
        body: JSON.stringify({ text }),
      });
      if (!said.ok) throw new Error(`${said.status}: ${await said.text()}`);
    },
  };
}

async function read(body, frames) {
  let rest = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const events = (rest + chunk).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = event.split("\n").find((line) => line.startsWith("data:"));
      if (data) frames.push(JSON.parse(data.slice(5)));
    }
  }
}
