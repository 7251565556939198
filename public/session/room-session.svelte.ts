// One stay in one room: the connection brings frames, the log keeps them, storage remembers the seat to come back to.

import { TransportSelector, transportSpecs } from "../transport/selector";
import { Connection } from "../transport/connection";
import type { ConnectionState } from "../transport/connection-state";
import type { JoinParams } from "../transport/transport";
import { entryEvent, type LogEvent, nextTick, reduce } from "../log/log";
import { lostWords, type NewLine, nextToSend, toFrame } from "../log/outgoing";
import { reactionTo } from "../log/reactions";
import { emptyLog, findEntry, type Log, type Outgoing } from "../log/state";
import { MemberColours } from "../log/member-colours";
import type { Attached, Chat, HostMessage, Inbound } from "../protocol/frames";
import type { RoomCipher } from "../e2ee/cipher";
import type { Secret } from "../e2ee/key";
import { markUndecryptable } from "../e2ee/sealed-text";
import type { Sealer } from "../e2ee/sealer";
import { forgetRoom, forgetSession, loadSession, loadTransport, saveTransport } from "../storage/storage";
import type { SavedSession } from "../storage/storage";
import { BROWSER } from "./browser";
import { Draft } from "./draft.svelte";
import { inbox } from "../files/inbox.svelte";
import type { Hosting } from "./hosting";
import { confirmLeave } from "./leaving";
import { listenToPage } from "./page-events";
import { PlainConsent } from "./plain-consent.svelte";
import { Redraw } from "./redraw";
import type { Renaming } from "./renaming";
import type { RoomSessionOptions } from "./room-session-options";
import { saveSeat } from "./saved-seat";
import { ServerClock } from "./server-clock";
import { Tick } from "./tick";
import { Typing } from "./typing";
import { takeBackUnsent } from "./unsent";

export class RoomSession {
  readonly room: string;
  /** As it is wanted; the log has the one that the server knows. */
  name: string;
  /** The room's key from the link; null without one, and once the host has ended the room. */
  secret: Secret | null;
  /** The keys derived from it. */
  cipher: Promise<RoomCipher> | null;
  /** This browser cannot encrypt: nothing is sent. */
  encryptionFailed = $state(false);
  readonly plain: PlainConsent;
  /** The log as drawn: it follows the real one a frame behind. */
  log: Log = $state.raw(emptyLog());
  connection: ConnectionState = $state.raw({ is: "idle" });
  /** A welcome came at least once: there is a room to show. */
  entered = $state(false);
  /** The connection's snapshot is in the log: from now on messages are new. */
  caughtUp = $state(false);
  storeUnavailable = $state(false);
  /** The node cannot ask the video server for the call's participants. */
  videoProblem = $state<"" | "video_unavailable" | "video_refused">("");
  /** The user writes faster than the rate limit: messages are sent one by one. */
  tooFast = $state(false);
  /** Whether the server confirmed the leave; null while unknown. Without it the seat is held for the grace. */
  leaveConfirmed: boolean | null = $state(true);
  /** The host has not let this page in yet. */
  knocking = $state(false);
  /** What the server signed when the room ended: a JWS. */
  receipt: string | null = $state(null);
  /** Messages that arrived while the tab was hidden; counted before they are drawn. */
  unread = $state(0);
  readonly typing: Typing;
  /** Comes with the dialog for another name. */
  renaming: Renaming | null = null;
  /** Comes with the host's controls. */
  hosting: Hosting | null = null;
  readonly colours = new MemberColours();
  readonly #storageKey: string;
  readonly #options: RoomSessionOptions;
  /** The invite counts once: a page that was in the room comes back with its ticket. */
  #joining: Pick<JoinParams, "traffic" | "invite">;
  readonly #connection: Connection;
  #log: Log;
  readonly #redraw = new Redraw(() => (this.log = this.#log));
  #ticket: string | null = null;
  readonly #clock = new ServerClock();
  readonly #draft: Draft;
  readonly #tick = new Tick();
  #lifetime = new AbortController();
  /** Decryption is asynchronous; the queue keeps the order. */
  #decryptQueue: Promise<void> = Promise.resolve();
  /** Welcomes still being decrypted: until then this page's seat is unknown. */
  #pendingWelcomes = 0;
  #sealing = false;
  /** Null in a room without a key, and until it is loaded. */
  #sealer: Sealer | null = null;
  /** The newest sealed line of this seat, as the tab remembers it. */
  #last: SavedSession["last"];

  constructor(room: string, name: string, options: RoomSessionOptions = {}) {
    this.room = room;
    this.name = name;
    this.#options = options;
    this.secret = options.secret ?? null;
    this.#storageKey = options.storageKey ?? room;
    const { transport: forced = null, traffic = null, invite = null } = options;
    this.#joining = { traffic, invite };
    const saved = loadSession(this.#storageKey);
    this.cipher = this.secret === null ? null : this.#loadCipher(this.secret, saved);
    this.cipher?.catch(() => (this.encryptionFailed = true));
    this.#ticket = saved?.ticket ?? null;
    this.#log = emptyLog(saved);
    this.#last = saved?.last;
    this.plain = new PlainConsent(room);
    this.#draft = new Draft(this.#storageKey);
    this.#connection = new Connection({
      selector: new TransportSelector(transportSpecs(forced), loadTransport()),
      joinParams: () => ({ room, name: this.name, ticket: this.#ticket, cursor: this.#log.cursor, ...this.#joining }),
      onFrame: (frame) => this.#onFrame(frame),
      onTicket: (ticket) => (this.#ticket = ticket),
      onState: (state) => this.#onConnectionState(state),
      ...BROWSER,
    });
    this.typing = new Typing((typing) => this.#connection.send({ type: "typing", typing }));
    listenToPage(this.#connection, (visible) => this.#dispatch({ type: "visibility", visible }), this.#lifetime.signal);
    this.#connection.connect();
  }

  async #loadCipher(secret: Secret, saved: SavedSession | null): Promise<RoomCipher> {
    const { RoomCipher, Sealer } = await import("../e2ee/encryption");
    this.#sealer = new Sealer(saved);
    return RoomCipher.of(secret, this.room);
  }

  /** Asks for another name. Gives the code of what is wrong, or nothing once it is taken. */
  rename(user: string, by: typeof Renaming): Promise<string> {
    return (this.renaming ??= new by(this.#connection, (name) => this.#setName(name))).ask(user);
  }

  /** Asks for what only the host may do. Gives the code of what is wrong, or nothing once it is done. */
  host(what: HostMessage, by: typeof Hosting): Promise<string> {
    return (this.hosting ??= new by(this.#connection, (from) => this.#dispatch({ type: "purge", from }))).ask(what);
  }

  /** The server's time, as far as the page knows it. */
  now(): number {
    return this.#clock.now();
  }

  /** Unsent text: it outlives the view, and a reload of its tab. */
  get draft(): string {
    return this.#draft.text;
  }

  set draft(draft: string) {
    this.#draft.text = draft;
  }

  /** The message that the draft answers; null for none, and once that is gone. */
  get replyTo(): number | null {
    return this.#draft.replyTo;
  }

  set replyTo(seq: number | null) {
    this.#draft.replyTo = seq;
  }

  send(text: string, replyTo: number | null = null, files: readonly Attached[] = []): void {
    this.#enqueue({ text, ...(replyTo === null ? {} : { replyTo }), ...(files.length > 0 ? { files } : {}) });
    this.typing.sent();
  }

  /** Puts an emoji on a message, or takes it away; without `on`, the other of what this page has there now. */
  react(target: number, emoji: string, on?: boolean): void {
    const amends = reactionTo(this.#log, target, emoji, on);
    if (amends) this.#enqueue({ text: emoji, amends });
  }

  /** Gives a message of this page another text, once the server has it. */
  edit(target: number, text: string): void {
    this.#enqueue({ text, amends: { type: "edit", target } });
    this.typing.sent();
  }

  /** Deletes a message of this page, once the server has done so. */
  remove(target: number): void {
    this.#enqueue({ text: "", amends: { type: "delete", target } });
  }

  #enqueue(what: Omit<NewLine, "now">): void {
    this.#dispatch({ type: "send", ...what, now: this.now() });
    this.#persist();
  }

  retry(key: number): void {
    this.#dispatch({ type: "retry", key, now: this.now() });
    this.#persist();
  }

  discard(key: number): void {
    inbox.drop(this.#log.outgoing.find((o) => o.key === key)?.files);
    this.#dispatch({ type: "discard", key });
  }

  /** The user confirmed: pending and later messages of this room may go unencrypted. */
  sendPlain(): void {
    this.plain.give();
    this.#sendNext();
  }

  /** Pending messages go back into the draft. */
  takeBackUnsent(): void {
    takeBackUnsent(this.#log, this.#draft, (key) => this.discard(key));
    this.plain.asking = false;
  }

  /** What proves the membership to the server; empty for none. */
  get ticket(): string {
    return this.#ticket ?? "";
  }

  /** Leaves for good, or keeps the draft for coming back. */
  leave(keepsDraft = false): void {
    if (!keepsDraft) [this.draft, this.replyTo] = ["", null];
    confirmLeave(this.#connection.leave(), (confirmed) => (this.leaveConfirmed = confirmed));
  }

  /** Reconnects at once: out of a delay, or after an end that the user wants undone. */
  reconnect(): void {
    if (this.#connection.state.is === "ended") this.#connection.connect();
    else this.#connection.checkNow();
  }

  /** Goes away without leaving: the seat is held for the grace. */
  stop(): void {
    this.#lifetime.abort();
    this.#tick.stop();
    this.#connection.stop();
  }

  #onFrame(frame: Inbound): void {
    if (!this.cipher) return this.#apply(markUndecryptable(frame));
    const cipher = this.cipher;
    const seats = frame.type === "welcome" || frame.type === "reset";
    if (seats) this.#pendingWelcomes += 1;
    const open = async () => {
      const room = await cipher.catch(() => null);
      const read = (await this.#sealer?.open(frame, room)) ?? markUndecryptable(frame);
      if (seats) this.#pendingWelcomes -= 1;
      if (!this.#lifetime.signal.aborted) this.#apply(read);
      if (seats && this.connection.is === "open" && this.#pendingWelcomes === 0) this.caughtUp = true;
    };
    // A frame that fails is reported, and the next one comes all the same.
    this.#decryptQueue = this.#decryptQueue.then(open).catch(reportError);
  }

  #apply(frame: Inbound): void {
    if (this.hosting?.handle(frame)) return;
    if (this.renaming?.handle(frame)) return this.#sendNext();
    switch (frame.type) {
      case "welcome":
      case "reset": {
        this.#clock.set(frame.at);
        this.#ticket = frame.ticket;
        this.#joining.invite = null;
        this.#sealer?.chain.setAuthor(frame.clientId);
        // Another seat, another room: the same number is another message.
        if (frame.clientId !== this.#log.me?.clientId) [this.replyTo, this.#last] = [null, undefined];
        for (const entry of frame.history) this.#noteEntry(entry, frame.clientId);
        this.#dispatch({ type: "snapshot", snapshot: frame });
        this.log = this.#log;
        this.entered = true;
        this.knocking = false;
        this.storeUnavailable = false;
        this.videoProblem = "";
        this.#persist();
        break;
      }
      case "chat":
      case "react":
      case "edit":
      case "delete":
        this.#clock.advanceTo(frame.at);
        if (frame.type === "chat") this.#options.onChat?.(frame);
        this.#noteEntry(frame, this.#log.me?.clientId);
        if (frame.type === "chat" && frame.claims && frame.from === this.#log.me?.clientId) this.#persist();
        this.#dispatch(entryEvent(frame));
        break;
      case "ack":
        if (frame.seq === null) break;
        this.#clock.advanceTo(frame.at);
        if (frame.n !== null && this.#sealer?.confirm(frame.n, frame.seq, this.#log)) this.#persist();
        this.#dispatch({ ...frame, seq: frame.seq });
        break;
      case "joined": {
        const { type, count, ...member } = frame;
        this.#dispatch({ type, member, count, now: this.now() });
        break;
      }
      case "error":
        if (frame.n !== null) {
          const { n, code, retryAfter } = frame;
          this.tooFast ||= code === "rate_limited";
          this.#dispatch({ type: "rejected", n, code, retryAfter, now: this.now() });
        }
        break;
      case "status":
        if (frame.code.startsWith("store_")) this.storeUnavailable = frame.code === "store_unavailable";
        if (frame.code === "video_unavailable" || frame.code === "video_refused") this.videoProblem = frame.code;
        else if (frame.code.startsWith("video_")) this.videoProblem = "";
        break;
      case "knocking":
        this.knocking = true;
        break;
      case "receipt":
        this.receipt = frame.receipt;
        break;
      case "pong":
      case "closing":
        break;
      default:
        this.#dispatch({ ...frame, now: this.now() });
    }
  }

  /** Notes what a line implies: that this page's own line arrived, or that others write encrypted. */
  #noteEntry({ from, claims, encryption }: Pick<Chat, "from" | "claims" | "encryption">, me: string | undefined): void {
    if (from !== me) this.plain.othersEncrypt ||= encryption === "undecryptable";
    else if (claims) this.#sealer?.chain.advance(claims.n, claims.id);
  }

  #onConnectionState(state: ConnectionState): void {
    // A connection that changes its transport stays open: all it brings is new.
    if (state.is !== "open") this.caughtUp = false;
    else if (this.connection.is !== "open") this.caughtUp = this.#pendingWelcomes === 0;
    this.connection = state;
    if (state.is === "open" && !state.tooManyTabs && !this.#options.transport) saveTransport(state.transport);
    if (state.is === "open") this.#dispatch({ type: "connection", up: true, now: this.now() });
    if (state.is === "waiting" && this.entered) this.#dispatch({ type: "connection", up: false, now: this.now() });
    if (state.is !== "ended" || (state.why !== "left" && state.why !== "burned")) return;
    this.#ticket = null;
    forgetSession(this.#storageKey);
    // The host has ended the room: nothing of it stays. The receipt may wait in this queue.
    if (state.why === "burned") void this.#decryptQueue.then(() => this.#wipe());
  }

  #wipe(): void {
    this.#lifetime.abort();
    [this.#log, this.#sealer, this.#last, this.secret, this.cipher] = [emptyLog(), null, undefined, null, null];
    [this.log, this.draft, this.replyTo] = [this.#log, "", null];
    forgetRoom(this.#storageKey);
  }

  #dispatch(event: LogEvent): void {
    const before = this.#log;
    this.#log = reduce(before, event);
    if (event.type === "snapshot" || event.type === "rejected") this.#draft.putBack(lostWords(before, this.#log));
    this.unread = this.#log.unread;
    if (this.entered && this.replyTo !== null && !findEntry(this.#log, this.replyTo)) this.replyTo = null;
    this.#redraw.schedule();
    this.#sendNext();
    const next = this.#lifetime.signal.aborted ? null : nextTick(this.#log);
    this.#tick.schedule(next, this.now(), () => this.#dispatch({ type: "tick", now: this.now() }));
  }

  /** The only way out for text: plain, or sealed where the room has a key. */
  #sendNext(): void {
    const line = nextToSend(this.#log);
    if (line && this.cipher) void this.#sealAndSend(line, this.cipher);
    else if (line && (line.text !== "" || line.files) && !line.sent && !this.plain.ask()) return;
    else if (line && this.#connection.send(toFrame(line, line.text))) this.#log = reduce(this.#log, { type: "sent" });
    if (this.tooFast && !this.#log.outgoing.some((o) => o.state === "pending")) this.tooFast = false;
  }

  async #sealAndSend(line: Outgoing, cipher: Promise<RoomCipher>): Promise<void> {
    const { me } = this.#log;
    // A line is sealed with its author's name, which has to be the one that the server knows.
    if (this.#sealing || this.renaming?.pending || this.#pendingWelcomes > 0 || !this.#connection.ready || !me) return;
    const { clientId: from, user } = me;
    this.#sealing = true;
    const sealed = await cipher.then((cipher) => this.#sealer?.seal(line, this.#log, cipher)).catch(() => undefined);
    this.#sealing = false;
    if (sealed === undefined) return;
    const next = nextToSend(this.#log);
    const { me: author } = this.#log;
    const isSame = next?.key === line.key && next.n === line.n && author?.clientId === from && author.user === user;
    // Sealed for a seat and a name: under others it is sealed anew.
    if (!isSame || this.renaming?.pending || this.#pendingWelcomes > 0) return this.#sendNext();
    if (!sealed)
      return this.#dispatch({ type: "rejected", n: line.n, code: "no_target", retryAfter: null, now: this.now() });
    if (sealed.id !== undefined) this.#sealer?.chain.recordSealed(line.n, sealed.id);
    if (this.#connection.send(toFrame(line, sealed.text)))
      this.#dispatch({ type: "sent", ...(line.amends?.type === "react" ? { sealed: sealed.text } : {}) });
  }

  #setName(user: string): void {
    const { me } = this.#log;
    this.name = user;
    if (me) this.#dispatch({ type: "renamed", clientId: me.clientId, user, previous: me.user, now: this.now() });
    this.#persist();
  }

  #persist(): void {
    saveSeat(this.#storageKey, this.#log, this.#ticket, this.#sealer?.chain.last ?? this.#last);
  }
}
