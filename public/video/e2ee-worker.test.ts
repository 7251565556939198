// @vitest-environment node
import { beforeAll, expect, test } from "vitest";

type Frame = { data: ArrayBuffer; timestamp: number; getMetadata(): object };

const PLAIN = "a picture that nobody else is to see, long enough to be found again";
const said: { kind: string }[] = [];
let begun = () => {};
const worker = globalThis as unknown as { onmessage: (event: MessageEvent) => void };

beforeAll(async () => {
  Object.assign(globalThis, { self: globalThis, onmessage: null, postMessage });
  await import("./e2ee.worker");
  begin();
});

function postMessage(message: { kind: string }) {
  said.push(message);
  if (message.kind === "initAck") begun();
}

function begin() {
  const keyProviderOptions = {
    sharedKey: true,
    ratchetSalt: "salt",
    ratchetWindowSize: 0,
    failureTolerance: -1,
    keyringSize: 16,
    keySize: 128,
  };
  order("init", { keyProviderOptions, loglevel: "silent" });
}

/** Until the orders so far have been obeyed: they wait for each other. */
async function obeyed() {
  await new Promise<void>((then) => {
    begun = then;
    begin();
  });
}

function order(kind: string, data: object) {
  worker.onmessage(new MessageEvent("message", { data: { kind, data } }));
}

/** What comes out when one frame goes in. */
async function through(
  kind: "encode" | "decode",
  participantIdentity: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string[]> {
  const frame: Frame = { data: bytes.buffer, timestamp: 1, getMetadata: () => ({ synchronizationSource: 1 }) };
  const out: string[] = [];
  let done = () => {};
  const ended = new Promise<void>((resolve) => (done = resolve));
  const readableStream = new ReadableStream({
    start(stream) {
      stream.enqueue(frame);
      stream.close();
    },
  });
  const writableStream = new WritableStream<Frame>({
    write: (frame) => void out.push(Buffer.from(frame.data).toString("latin1")),
    close: () => done(),
  });
  order(kind, {
    participantIdentity,
    trackId: `${kind} ${participantIdentity}`,
    readableStream,
    writableStream,
    codec: "opus",
    hasPacketTrailer: false,
  });
  await ended;
  return out;
}

const plain = () => new Uint8Array(Buffer.from(PLAIN, "latin1"));

test("without a key nothing goes out, not even for a participant that the server renames", async () => {
  expect(await through("encode", "renamed", plain())).toEqual([]);
});

test("with a key everything goes out locked, whatever the server says", async () => {
  const key = await crypto.subtle.importKey("raw", new Uint8Array(32), "HKDF", false, ["deriveBits", "deriveKey"]);
  order("setKey", { key, isPublisher: true, keyIndex: 0, updateCurrentKeyIndex: true });
  order("enable", { enabled: false, participantIdentity: "ann" });
  for (const identity of ["ann", "renamed again"]) {
    const [frame, ...more] = await through("encode", identity, plain());
    expect(more).toEqual([]);
    expect(frame).toBeDefined();
    expect(frame).not.toContain("nobody else");
  }
});

test("what comes without a lock is not shown, whatever the server says", async () => {
  order("enable", { enabled: false, participantIdentity: "eve" });
  expect(await through("decode", "eve", plain())).toEqual([]);
  expect(await through("decode", "never named", plain())).toEqual([]);
});

test("what goes out is not treated as another participant's", async () => {
  const frames: string[] = [];
  let put = (_: Frame) => {};
  const readableStream = new ReadableStream<Frame>({
    start: (stream) => void (put = (frame) => stream.enqueue(frame)),
  });
  let heard = () => {};
  const writableStream = new WritableStream<Frame>({
    write(frame) {
      frames.push(Buffer.from(frame.data).toString("latin1"));
      heard();
    },
  });
  const say = () =>
    new Promise<void>((resolve) => {
      heard = resolve;
      put({ data: plain().buffer, timestamp: 1, getMetadata: () => ({ synchronizationSource: 1 }) });
    });
  order("encode", {
    participantIdentity: "ann",
    trackId: "T",
    readableStream,
    writableStream,
    codec: "opus",
    hasPacketTrailer: false,
  });
  await obeyed();
  await say();
  const nothing = { readableStream: new ReadableStream(), writableStream: new WritableStream() };
  order("decode", { participantIdentity: "eve", trackId: "T", ...nothing, codec: "opus", hasPacketTrailer: false });
  order("removeTransform", { participantIdentity: "eve", trackId: "T" });
  order("updateCodec", { participantIdentity: "eve", trackId: "U", previousTrackId: "T", hasPacketTrailer: false });
  order("removeTransform", { participantIdentity: "eve", trackId: "U" });
  await obeyed();
  await say();
  expect(frames).toHaveLength(2);
  for (const frame of frames) expect(frame).not.toContain("nobody else");
});

test("orders of the worker itself are not answered", () => {
  const names = said
    .filter(({ kind }) => kind === "enable")
    .map((message) => (message as unknown as { data: { participantIdentity: string } }).data.participantIdentity);
  expect(new Set(names)).toEqual(new Set(["ann", "eve"]));
});
