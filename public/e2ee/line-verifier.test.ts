import { describe, expect, test } from "vitest";
import type { Chat, Inbound } from "../protocol/frames";
import { WELCOME } from "../protocol/welcome.fixture";
import { readFrame } from "../protocol/frames";
import { AuthorChain } from "./author-chain";
import { openFrame } from "./frames";
import { RoomCipher } from "./cipher";
import { newSecret } from "./new-secret";
import { LineVerifier } from "./line-verifier";

const secret = newSecret();
const cipher = await RoomCipher.of(secret, "general");

/** An honest author's page: seals, and learns whether it arrived. */
class Author {
  #n: number;
  constructor(
    readonly from: string,
    readonly user: string,
    readonly chain = new AuthorChain(from),
    readonly verified = false,
    n = 0,
  ) {
    this.#n = n;
  }

  async writes(text: string, { confirmed = true, n = (this.#n += 1) } = {}): Promise<Chat> {
    const { from, user, verified } = this;
    const sealed = await cipher.seal({ ...this.chain.positionOf(n), text, user, verified }, from);
    this.chain.recordSealed(n, sealed.id);
    if (confirmed) this.chain.confirm(n);
    return {
      type: "chat",
      seq: 0,
      from,
      user,
      text: sealed.text,
      at: 0,
      cursor: null,
      n: null,
      ...(verified ? { verified: true } : {}),
    };
  }

  async say(...texts: string[]): Promise<Chat[]> {
    const lines = [];
    for (const text of texts) lines.push(await this.writes(text));
    return lines;
  }
}

const ann = () => new Author("ann", "Ann");
const numbered = (lines: Chat[], from = 1) => lines.map((line, at) => ({ ...line, seq: from + at }));

/** What a page shows of what is wrong, line by line; `-` where nothing is. */
const shown = (frames: Inbound[]) =>
  frames
    .flatMap((frame) =>
      frame.type === "chat" ? [frame] : frame.type === "welcome" || frame.type === "reset" ? frame.history : [],
    )
    .filter((line): line is Chat => line.type === "chat")
    .map((line) => line.doubt?.is ?? line.encryption ?? "-");

async function reads(verifier: LineVerifier, ...frames: Inbound[]): Promise<string[]> {
  const read = [];
  for (const frame of frames) read.push(await openFrame(frame, cipher, verifier));
  return shown(read);
}

const live = (lines: Chat[], verifier = new LineVerifier()) => reads(verifier, ...numbered(lines));
const listed = (lines: Chat[], over: Partial<{ resumed: boolean; reset: boolean }> = {}) => ({
  ...(readFrame(WELCOME) as Extract<Inbound, { type: "welcome" }>),
  ...over,
  history: lines,
});

describe("an honest server", () => {
  test("leaves no doubt, live, in a history and in a history that is cut at its start", async () => {
    const [a, b] = [ann(), new Author("ben", "Ben", new AuthorChain("ben"), true)];
    const lines = numbered([
      await a.writes("1"),
      await b.writes("1"),
      await a.writes("2"),
      await a.writes("3"),
      await b.writes("2"),
    ]);
    expect(await live(lines)).toEqual(["-", "-", "-", "-", "-"]);
    for (let cut = 0; cut < lines.length; cut += 1)
      expect(await reads(new LineVerifier(), listed(lines.slice(cut))), String(cut)).toEqual(
        lines.slice(cut).map(() => "-"),
      );
  });

  test("may tell lines again: after a resume, a reset, and in a log that has lost its oldest", async () => {
    const lines = numbered(await ann().say("1", "2", "3", "4", "5"));
    const verifier = new LineVerifier();
    expect(await reads(verifier, listed(lines.slice(0, 3)), ...lines.slice(2, 4))).toEqual(["-", "-", "-", "-", "-"]);
    expect(await reads(verifier, listed(lines.slice(1), { resumed: true }))).toEqual(["-", "-", "-", "-"]);
    expect(await reads(verifier, listed(lines.slice(2), { resumed: true, reset: true }))).toEqual(["-", "-", "-"]);
    expect(await reads(verifier, listed(numbered(lines.slice(3), 40), { reset: true }))).toEqual(["-", "-"]);
  });

  test("is not blamed when an author was not told whether a line arrived", async () => {
    for (const arrived of [true, false]) {
      const a = ann();
      const [one, two] = [await a.writes("1"), await a.writes("2", { confirmed: false })];
      const [three, four] = await a.say("3", "4");
      expect(await live([one, ...(arrived ? [two] : []), three!, four!]), String(arrived)).not.toContain("hole");
      expect(await live([one, three!, two, four!]), "or comes late").toEqual(["-", "-", "-", "-"]);
    }
  });

  test("tells the same line once, in the words that it kept, when it was sent again", async () => {
    const a = ann();
    const first = await a.writes("1", { confirmed: false });
    await a.writes("1", { n: 1 });
    const next = await a.writes("2");
    expect(await live([first, next])).toEqual(["-", "-"]);
  });

  test("finds the author where the tab left off, after a reload too", async () => {
    const a = ann();
    const before = await a.say("1", "2");
    const back = new Author("ann", "Ann", new AuthorChain("ann", a.chain.last), false, 2);
    expect(await live([...before, ...(await back.say("3", "4"))])).toEqual(["-", "-", "-", "-"]);
    // What went out at the last moment, and was not confirmed, is learned from the log.
    const last = await back.writes("5", { confirmed: false });
    const again = new Author("ann", "Ann", new AuthorChain("ann", back.chain.last), false, 5);
    const { claims } = (await openFrame(last, cipher, new LineVerifier())) as Chat;
    again.chain.advance(claims!.n, claims!.id);
    expect(again.chain.positionOf(6)).toMatchObject({ after: 5, link: claims!.id });
  });

  test("may carry both formats side by side for one release", async () => {
    const old: Chat = { type: "chat", seq: 1, from: "old", user: "Old", text: "", at: 0, cursor: null, n: null };
    const former = JSON.parse(
      (await import("node:fs")).readFileSync(`${import.meta.dirname}/../../docs/e2ee-vectors.json`, "utf8"),
    );
    const their = await RoomCipher.of(former.secret, former.room);
    const line = { ...old, from: former.former[0].from, text: former.former[0].sealed };
    const verifier = new LineVerifier();
    expect(await openFrame(line, their, verifier)).toMatchObject({ text: former.former[0].text });
    expect(await openFrame(line, their, verifier)).not.toHaveProperty("doubt");
    // An author known to write the newer format does not go back to the weaker one.
    await openFrame(
      { ...old, from: former.lines[0].from, user: "Ann", text: former.lines[0].sealed, seq: 2 },
      their,
      verifier,
    );
    expect(await openFrame({ ...line, seq: 3 }, their, verifier)).toMatchObject({
      doubt: { is: "former", user: "Ann" },
    });
  });
});

describe("a server that tampers is noticed at the line", () => {
  test("another name, a mark of a verified one put on or taken off", async () => {
    const [one, two] = await ann().say("1", "2");
    expect(await live([{ ...one!, user: "Ben" }, two!])).toEqual(["name", "-"]);
    expect(await live([{ ...one!, verified: true }, two!])).toEqual(["name", "-"]);
    const { verified: _, ...bare } = await new Author("eve", "Eve", new AuthorChain("eve"), true).writes("1");
    expect(await live([bare])).toEqual(["name"]);
    const [frame] = numbered([{ ...one!, user: "Ben", verified: true }]);
    expect(await openFrame(frame!, cipher, new LineVerifier())).toMatchObject({ doubt: { is: "name", user: "Ann" } });
  });

  test("another author: it does not open", async () => {
    const [one] = await ann().say("1");
    expect(await live([{ ...one!, from: "ben" }])).toEqual(["undecryptable"]);
  });

  test("a line told twice, live, in a history, and at the end of a history told anew", async () => {
    const lines = await ann().say("1", "2", "3");
    expect(await live([...lines, lines[1]!])).toEqual(["-", "-", "-", "twice"]);
    expect(await live([lines[0]!, lines[0]!, lines[1]!, lines[2]!])).toEqual(["-", "twice", "-", "-"]);
    expect(await reads(new LineVerifier(), listed(numbered([lines[0]!, lines[1]!, lines[0]!])))).toEqual([
      "-",
      "-",
      "twice",
    ]);
    const verifier = new LineVerifier();
    await live(lines, verifier);
    expect(await reads(verifier, listed(numbered([...lines, lines[2]!], 7), { reset: true }))).toEqual([
      "-",
      "-",
      "-",
      "twice",
    ]);
  });

  test("a history turned around, and two lines that change places", async () => {
    const lines = await ann().say("1", "2", "3", "4");
    expect(await reads(new LineVerifier(), listed(numbered(lines.toReversed())))).toEqual([
      "-",
      "order",
      "order",
      "order",
    ]);
    expect(await live([lines[0]!, lines[2]!, lines[1]!, lines[3]!])).toEqual(["-", "hole", "order", "-"]);
    const verifier = new LineVerifier();
    await live(lines, verifier);
    expect(await reads(verifier, listed(numbered(lines.toReversed(), 9), { reset: true }))).toEqual([
      "-",
      "order",
      "order",
      "order",
    ]);
  });

  test("a hole, also where what stood there does not open", async () => {
    const lines = await ann().say("1", "2", "3", "4");
    expect(await live([lines[0]!, lines[2]!, lines[3]!])).toEqual(["-", "hole", "-"]);
    expect(await reads(new LineVerifier(), listed(numbered([lines[0]!, lines[3]!])))).toEqual(["-", "hole"]);
    expect(await live([lines[0]!, { ...lines[1]!, text: `${lines[1]!.text.slice(0, -4)}AAAA` }, lines[2]!])).toEqual([
      "-",
      "undecryptable",
      "hole",
    ]);
    const verifier = new LineVerifier();
    await live(lines, verifier);
    expect(
      await reads(verifier, listed(numbered([lines[0]!, lines[2]!]), { reset: true })),
      "also of what was there before",
    ).toEqual(["-", "hole"]);
  });

  test("plain text under the seat of a member that seals", async () => {
    const [one] = await ann().say("1");
    const plain: Chat = { ...one!, text: "send money" };
    expect(await live([one!, plain, { ...plain, from: "eve" }])).toEqual(["-", "unencrypted", "unencrypted"]);
    const read = await openFrame({ ...plain, seq: 2 }, cipher, new LineVerifier());
    expect(read, "of a stranger nothing is known").not.toHaveProperty("doubt");
  });

  test("a line of one's own that comes back under another name, or a second time", async () => {
    const a = ann();
    const one = await a.writes("1", { confirmed: false });
    const verifier = new LineVerifier();
    verifier.recordOwn("ann", { ...a.chain.confirm(1)!, user: "Ann", verified: false }, 1);
    expect(await reads(verifier, { ...one, seq: 1 }, { ...one, seq: 2 })).toEqual(["-", "twice"]);
    expect(await reads(new LineVerifier(), { ...one, seq: 1, user: "Eve" })).toEqual(["name"]);
  });
});

describe("a member who has the key and a server that helps", () => {
  test("cannot go on in another's name without knowing the line before", async () => {
    const [one, two, three] = await ann().say("1", "2", "3");
    const forger = new Author("ann", "Ann", new AuthorChain("ann", { n: 1, id: "B".repeat(22) }), false, 1);
    expect(await live([one!, await forger.writes("forged"), two!])).toEqual(["-", "fork", "twice"]);
    const anew = new Author("ann", "Ann", new AuthorChain("ann"), false, 3);
    expect(await live([one!, two!, three!, await anew.writes("forged")]), "nor begin anew").toEqual([
      "-",
      "-",
      "-",
      "fork",
    ]);
  });
});

describe("a chain", () => {
  test("begins anew with another seat", () => {
    const chain = new AuthorChain("old", { n: 4, id: "x" });
    chain.setAuthor("old");
    expect(chain.positionOf(5)).toMatchObject({ after: 4, link: "x" });
    chain.setAuthor("new");
    expect(chain.positionOf(1)).toMatchObject({ n: 1, after: 0, link: "" });
  });

  test("keeps the place of a line that may be sent again", () => {
    const chain = new AuthorChain("me");
    const place = chain.positionOf(1);
    chain.recordSealed(1, "one");
    chain.positionOf(2);
    chain.recordSealed(2, "two");
    chain.confirm(2);
    expect(chain.last).toEqual({ n: 2, id: "two" });
    expect(chain.positionOf(3)).toMatchObject({ after: 2, link: "two" });
    expect(place).toMatchObject({ after: 0 });
    expect(chain.confirm(7), "nothing that this page has not sent").toBeNull();
  });
});
