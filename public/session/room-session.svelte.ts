// One stay in one room: the link brings frames, the log keeps them, the seat
// remembers where to come back to.

import type { TrafficCounter } from "../transport/transport";
import { TransportSelector, preloadFallback, transportSpecs } from "../transport/selector";
import { Connection, type ConnectionState } from "../transport/connection";
import { nextToSend, emptyLog, type LogEvent, type Log, nextTick, type Outgoing, reduce } from "../log/log";
import { Tints } from "../log/tints";
import type { Chat, Inbound } from "../protocol/frames";
import { type LiveKitToken, TokenRefusedError } from "../protocol/livekit-token";
import type { TransportName } from "../protocol/transport-name";
import { AuthorChain } from "../e2ee/author-chain";
import { markUndecryptable, openFrame } from "../e2ee/frames";
import type { Secret } from "../e2ee/key";
import { RoomCipher } from "../e2ee/cipher";
import { LineVerifier } from "../e2ee/line-verifier";
import {
  forgetSession,
  loadDraft,
  loadPlainAllowed,
  loadSession,
  loadTransport,
  saveDraft,
  allowPlain,
  saveSession,
  saveTransport,
} from "../storage/storage";
import { ServerClock } from "./server-clock";
import { Typing } from "./typing";

/** Timers may not be set further ahead than a signed 32-bit number of milliseconds. */
const TIMER_MAX = 2_000_000_000;
const HIDDEN_DRAW_INTERVAL = 200;
const REACH_TIMEOUT = 5_000;
/** Milliseconds after which a goodbye that nobody has answered is taken for unheard, until somebody does. */
export const LEAVE_TIMEOUT = 3_000;

export type RoomSessionOptions = {
  /** This transport and no other. */
  transport?: TransportName | null;
  /** What locks the words and pictures of this room, if anything does. */
  secret?: Secret | null;
  /** Where the tab remembers the seat, if a page has more than one in the room. */
  storageKey?: string;
  traffic?: TrafficCounter;
  /** What others say, when it arrives and before it is drawn. */
  onChat?: (chat: Chat) => void;
};

export class RoomSession {
  readonly room: string;
  readonly name: string;
  /** What locks the words and pictures of this room; null where the link had none. */
  readonly secret: Secret | null;
  /** The keys that come of it. */
  readonly cipher: Promise<RoomCipher> | null;
  /** This browser cannot lock anything: nothing is sent. */
  encryptionFailed = $state(false);
  /** Others lock what they write here and we do not: somebody has to say whether our words go out all the same. */
  confirmingPlain = $state(false);
  /** The log as it is drawn: it follows the real one a frame behind. */
  log: Log = $state.raw(emptyLog());
  connection: ConnectionState = $state.raw({ is: "idle" });
  /** A welcome came at least once: there is a room to show. */
  entered = $state(false);
  /** What the link brought when it opened is in the log: what comes now is new. */
  caughtUp = $state(false);
  storeUnavailable = $state(false);
  /** The video server cannot be asked who is in the call. */
  videoProblem = $state<"" | "video_unavailable" | "video_refused">("");
  /** What was written came faster than the server takes it: it goes out bit by bit. */
  tooFast = $state(false);
  /** Whether the server heard the goodbye; null while nobody knows. Where it did not, the seat waits out its grace. */
  leaveConfirmed: boolean | null = $state(true);
  /** Messages that nobody here has seen: it does not wait for the log to be drawn. */
  unread = $state(0);
  readonly typing: Typing;
  readonly tints = new Tints();
  readonly #storageKey: string;
  readonly #options: RoomSessionOptions;
  readonly #connection: Connection;
  #log: Log;
  #drawScheduled = false;
  #ticket: string | null = null;
  readonly #clock = new ServerClock();
  #draft = $state("");
  #tickTimer = 0;
  #lifetime = new AbortController();
  /** Opening takes a moment; this keeps the order. */
  #decryptQueue: Promise<void> = Promise.resolve();
  /** Welcomes that are still being opened: until then it is not known from which seat to speak. */
  #pendingWelcomes = 0;
  #sealing = false;
  readonly #chain: AuthorChain;
  readonly #verifier = new LineVerifier();
  #othersEncrypt = false;
  /** Words may go out as they are; also where the tab can remember nothing. */
  #plainAllowed = false;

  constructor(room: string, name: string, options: RoomSessionOptions = {}) {
    this.room = room;
    this.name = name;
    this.#options = options;
    this.secret = options.secret ?? null;
    this.cipher = this.secret === null ? null : RoomCipher.of(this.secret, room);
    this.cipher?.catch(() => (this.encryptionFailed = true));
    this.#storageKey = options.storageKey ?? room;
    const { transport: forced = null, traffic = null } = options;
    const saved = loadSession(this.#storageKey);
    this.#ticket = saved?.ticket ?? null;
    this.#log = emptyLog(saved);
    this.#chain = new AuthorChain(saved?.clientId, saved?.last);
    this.#plainAllowed = loadPlainAllowed(room);
    this.#draft = loadDraft(this.#storageKey);
    this.#connection = new Connection({
      selector: new TransportSelector(transportSpecs(forced), loadTransport()),
      joinParams: () => ({ room, name, ticket: this.#ticket, cursor: this.#log.cursor, traffic }),
      onFrame: (frame) => this.#onFrame(frame),
      onTicket: (ticket) => (this.#ticket = ticket),
      isReachable,
      onState: (state) => this.#onConnectionState(state),
      timers: { set: (ms, then) => window.setTimeout(then, ms), clear: (id) => window.clearTimeout(id) },
      random: Math.random,
    });
    this.typing = new Typing((typing) => this.#connection.send({ type: "typing", typing }));
    this.#listenToPage();
    this.#connection.connect();
  }

  /** The server's time, as far as we know it. */
  now(): number {
    return this.#clock.now();
  }

  /** Not yet claims: it outlives the view it is written in, and a reload of its tab. */
  get draft(): string {
    return this.#draft;
  }

  set draft(draft: string) {
    this.#draft = draft;
    saveDraft(this.#storageKey, draft);
  }

  send(text: string): void {
    this.#dispatch({ type: "send", text, now: this.now() });
    this.typing.sent();
    this.#persist();
  }

  retry(key: number): void {
    this.#dispatch({ type: "retry", key, now: this.now() });
    this.#persist();
  }

  discard(key: number): void {
    this.#dispatch({ type: "discard", key });
  }

  /** What waits may go out unlocked, and what follows in this room as well. */
  sendPlain(): void {
    this.confirmingPlain = false;
    this.#plainAllowed = true;
    allowPlain(this.room);
    this.#sendNext();
  }

  /** What waits is not claims: it goes back to where it was written. */
  takeBackUnsent(): void {
    const waiting = this.#log.outgoing.filter((o) => o.state === "pending" && !o.sent);
    this.draft = [...waiting.map((o) => o.text), this.draft].filter((text) => text !== "").join("\n");
    for (const { key } of waiting) this.discard(key);
    this.confirmingPlain = false;
  }

  /** What opens the video call; the ticket proves whose it is. */
  async videoToken(): Promise<LiveKitToken> {
    const address = `/api/rooms/${encodeURIComponent(this.room)}/livekit-token`;
    const answer = await fetch(address, { method: "POST", headers: { authorization: `Bearer ${this.#ticket ?? ""}` } });
    const body: unknown = await answer.json();
    const { token, livekitUrl, code } = body as Partial<Record<string, unknown>>;
    if (answer.ok && typeof token === "string" && typeof livekitUrl === "string") return { token, livekitUrl };
    throw new TokenRefusedError(typeof code === "string" ? code : "unknown");
  }

  /** For good, or to come back to what is written here. */
  leave(keepsDraft = false): void {
    if (!keepsDraft) this.draft = "";
    this.leaveConfirmed = null;
    const late = window.setTimeout(() => (this.leaveConfirmed = false), LEAVE_TIMEOUT);
    void this.#connection.leave().then((heard) => {
      window.clearTimeout(late);
      this.leaveConfirmed = heard;
    });
  }

  /** Tries at once: out of a delay, or after an end that the user wants undone. */
  reconnect(): void {
    if (this.#connection.state.is === "ended") this.#connection.connect();
    else this.#connection.checkNow();
  }

  /** Goes away without leaving: the seat waits out its grace. */
  stop(): void {
    this.#lifetime.abort();
    window.clearTimeout(this.#tickTimer);
    this.#connection.stop();
  }

  #onFrame(frame: Inbound): void {
    if (!this.cipher) return this.#apply(markUndecryptable(frame));
    const cipher = this.cipher;
    const seats = frame.type === "welcome" || frame.type === "reset";
    if (seats) this.#pendingWelcomes += 1;
    const open = async () => {
      const read = await openFrame(frame, await cipher.catch(() => null), this.#verifier);
      if (seats) this.#pendingWelcomes -= 1;
      if (!this.#lifetime.signal.aborted) this.#apply(read);
      if (seats && this.connection.is === "open" && this.#pendingWelcomes === 0) this.caughtUp = true;
    };
    // What goes wrong with one frame is claims, and the next one comes all the same.
    this.#decryptQueue = this.#decryptQueue.then(open).catch(reportError);
  }

  #apply(frame: Inbound): void {
    switch (frame.type) {
      case "welcome":
      case "reset": {
        this.#clock.set(frame.at);
        this.#ticket = frame.ticket;
        this.#chain.setAuthor(frame.clientId);
        for (const chat of frame.history) this.#noteChat(chat, frame.clientId);
        this.#dispatch({ type: "snapshot", snapshot: frame });
        this.log = this.#log;
        if (!this.entered) preloadFallback();
        this.entered = true;
        this.storeUnavailable = false;
        this.videoProblem = "";
        this.#persist();
        break;
      }
      case "chat":
        this.#clock.advanceTo(frame.at);
        this.#options.onChat?.(frame);
        this.#noteChat(frame, this.#log.me?.clientId);
        if (frame.claims && frame.from === this.#log.me?.clientId) this.#persist();
        this.#dispatch({ type: "chat", chat: frame });
        break;
      case "ack":
        this.#clock.advanceTo(frame.at);
        this.#onAck(frame.n, frame.seq);
        this.#dispatch(frame);
        break;
      case "joined": {
        const { type, count, ...member } = frame;
        this.#dispatch({ type, member, count, now: this.now() });
        break;
      }
      case "presence":
        this.#dispatch(frame);
        break;
      case "call":
      case "left":
      case "typing":
        this.#dispatch({ ...frame, now: this.now() });
        break;
      case "error":
        if (frame.n !== null) {
          this.tooFast ||= frame.code === "rate_limited";
          this.#dispatch({
            type: "rejected",
            n: frame.n,
            code: frame.code,
            retryAfter: frame.retryAfter,
            now: this.now(),
          });
        }
        break;
      case "status":
        if (frame.code.startsWith("store_")) this.storeUnavailable = frame.code === "store_unavailable";
        if (frame.code === "video_unavailable" || frame.code === "video_refused") this.videoProblem = frame.code;
        else if (frame.code.startsWith("video_")) this.videoProblem = "";
        break;
      case "pong":
      case "closing":
        break;
    }
  }

  /** What a line tells beside its words: that ours has arrived, or that others lock theirs. */
  #noteChat({ from, claims, encryption }: Chat, me: string | undefined): void {
    if (from !== me) this.#othersEncrypt ||= encryption === "undecryptable";
    else if (claims) this.#chain.advance(claims.n, claims.id);
  }

  #onAck(n: number | null, seq: number): void {
    const { me } = this.#log;
    const place = n === null ? null : this.#chain.confirm(n);
    if (!me || !place) return;
    this.#verifier.recordOwn(me.clientId, { ...place, user: me.user, verified: this.#isVerified() }, seq);
    this.#persist();
  }

  #isVerified(): boolean {
    const { me, members } = this.#log;
    return members.some((m) => m.clientId === me?.clientId && m.verified === true);
  }

  #onConnectionState(state: ConnectionState): void {
    // A link that changes its transport stays open, and nothing that it brings was there before.
    if (state.is !== "open") this.caughtUp = false;
    else if (this.connection.is !== "open") this.caughtUp = this.#pendingWelcomes === 0;
    this.connection = state;
    if (state.is === "open" && !state.tooManyTabs && !this.#options.transport) saveTransport(state.transport);
    if (state.is === "open") this.#dispatch({ type: "connection", up: true, now: this.now() });
    if (state.is === "waiting" && this.entered) this.#dispatch({ type: "connection", up: false, now: this.now() });
    if (state.is === "ended" && state.why === "left") {
      this.#ticket = null;
      forgetSession(this.#storageKey);
    }
  }

  #dispatch(event: LogEvent): void {
    this.#log = reduce(this.#log, event);
    this.unread = this.#log.unread;
    this.#scheduleDraw();
    this.#sendNext();
    window.clearTimeout(this.#tickTimer);
    const next = nextTick(this.#log);
    if (next === null || this.#lifetime.signal.aborted) return;
    const wait = Math.min(Math.max(next - this.now(), 0) + 1, TIMER_MAX);
    this.#tickTimer = window.setTimeout(() => this.#dispatch({ type: "tick", now: this.now() }), wait);
  }

  /** The only way out for words: as they are, or sealed where the room has a key. */
  #sendNext(): void {
    const line = nextToSend(this.#log);
    if (line && this.cipher) void this.#sealAndSend(line, this.cipher);
    else if (line && !line.sent && this.#othersEncrypt && !this.#plainAllowed) this.confirmingPlain = true;
    else if (line && this.#connection.send({ type: "chat", text: line.text, n: line.n }))
      this.#log = reduce(this.#log, { type: "sent" });
    if (this.tooFast && !this.#log.outgoing.some((o) => o.state === "pending")) this.tooFast = false;
  }

  async #sealAndSend(line: Outgoing, cipher: Promise<RoomCipher>): Promise<void> {
    const { me } = this.#log;
    if (this.#sealing || this.#pendingWelcomes > 0 || !this.#connection.ready || !me) return;
    const { clientId: from, user } = me;
    this.#sealing = true;
    const whole = { ...this.#chain.positionOf(line.n), text: line.text, user, verified: this.#isVerified() };
    const sealed = await cipher.then((cipher) => cipher.seal(whole, from)).catch(() => null);
    this.#sealing = false;
    if (sealed === null) return;
    const next = nextToSend(this.#log);
    // Bound to the seat it was sealed for: under another one it is sealed anew.
    const holds =
      next?.key === line.key && next.n === line.n && this.#log.me?.clientId === from && this.#pendingWelcomes === 0;
    if (!holds) return this.#sendNext();
    this.#chain.recordSealed(line.n, sealed.id);
    if (this.#connection.send({ type: "chat", text: sealed.text, n: line.n })) this.#dispatch({ type: "sent" });
  }

  /** A busy room changes more often than a screen can show. */
  #scheduleDraw(): void {
    if (this.#drawScheduled) return;
    this.#drawScheduled = true;
    const draw = () => {
      window.clearTimeout(timer);
      if (!this.#drawScheduled) return;
      this.#drawScheduled = false;
      this.log = this.#log;
    };
    // A page out of sight gets no frames, not even those it asked for before.
    const timer = window.setTimeout(draw, HIDDEN_DRAW_INTERVAL);
    if (!document.hidden) requestAnimationFrame(draw);
  }

  #persist(): void {
    const { me, lastN, former } = this.#log;
    const { last } = this.#chain;
    if (me && this.#ticket !== null)
      saveSession(this.#storageKey, { ...me, ticket: this.#ticket, lastN, former, ...(last.n > 0 ? { last } : {}) });
  }

  #listenToPage(): void {
    const { signal } = this.#lifetime;
    const reportVisibility = () => this.#dispatch({ type: "visibility", visible: !document.hidden });
    addEventListener("online", () => this.#connection.checkNow(), { signal });
    // A page that is kept for coming back answers for nobody: the seat waits out its grace, and is taken up again.
    // One that unloads may only be reloading: that is for the server to wait and see.
    addEventListener(
      "pagehide",
      (event) => (event.persisted ? this.#connection.suspend() : this.#connection.unload()),
      { signal },
    );
    addEventListener("pageshow", (event) => event.persisted && this.#connection.wake(), { signal });
    // A page that is only frozen is still open somewhere: it keeps its seat, and asks at once whether the link has lived.
    document.addEventListener("resume", () => this.#connection.wake(), { signal });
    document.addEventListener(
      "visibilitychange",
      () => {
        reportVisibility();
        if (!document.hidden) this.#connection.checkNow();
      },
      { signal },
    );
    reportVisibility();
  }
}

/** An answer of the server itself, and not of something in between. */
async function isReachable(): Promise<boolean> {
  const late = new AbortController();
  const timer = window.setTimeout(() => late.abort(), REACH_TIMEOUT);
  try {
    const response = await fetch("/healthz", { cache: "no-store", signal: late.signal });
    return response.ok && (await response.text()) === "ok\n";
  } catch {
    return false;
  } finally {
    window.clearTimeout(timer);
  }
}
