// Tells the person of new messages while the room is out of sight, and of a call, in the ways that were chosen.

import { newestCall } from "../log/calls";
import { type Entry, isMine, type Log } from "../log/state";
import { i18n } from "../i18n/i18n.svelte";
import { showBadge } from "./badge";
import { chime, ring } from "./chime";
import { isForMe, newsOf, notificationOf } from "./news";
import { loadNudge, type NudgePrefs, type Permission, saveNudge } from "./nudge-prefs";
import { loadTag, saveTag } from "./nudge-tag";
import { MORE } from "./texts";
import { askClientId, closeNotifications, dropWorker, leaveToClose, registerWorker } from "./worker";

/** Milliseconds between two notifications that pop up: one in between changes the text of the first. */
const ALERT_INTERVAL = 10_000;
/** Milliseconds between two sounds. */
const SOUND_INTERVAL = 3_000;
/** Milliseconds between two rings, however often a call begins. */
const RING_INTERVAL = 20_000;

export class Nudge {
  prefs: NudgePrefs = $state.raw(loadNudge());
  permission: Permission = $state(permissionNow());
  /** This tab's notification: a newer one takes its place. */
  readonly #tag = `parlor-${Math.random().toString(36).slice(2)}`;
  /** Null until the first log. */
  #unread: number | null = null;
  #mentions = 0;
  /** The messages told of, by their numbers. */
  readonly #told = new Set<number>();
  /** The worker that has shown this tab's notification. */
  #worker: ServiceWorker | null = null;
  #shown: { seq: number; text: string } | null = null;
  #alertedAt = -Infinity;
  #soundedAt = -Infinity;
  /** The key of the newest call; null until the first log. */
  #call: number | null = null;
  #rangAt = -Infinity;
  /** Showing and closing are asynchronous; the queue keeps their order. */
  #queue: Promise<void> = Promise.resolve();

  constructor() {
    // This tab was reloaded, or closed with its browser: nothing else closes what it has shown.
    const earlier = loadTag();
    if (earlier === null) return;
    saveTag(null);
    this.#queue = closeNotifications(earlier).catch(() => {});
  }

  /** Notifications are on, and the browser allows them still. */
  get notifies(): boolean {
    return this.prefs.notify && this.permission === "granted";
  }

  choose(change: Partial<NudgePrefs>): void {
    this.prefs = { ...this.prefs, ...change };
    saveNudge(this.prefs);
    if (change.badge !== undefined) void showBadge(change.badge ? (this.#unread ?? 0) : 0, this.#mentions);
  }

  /** On the person's click alone: the browser asks for permission. */
  async turnOn(): Promise<void> {
    if (this.permission === "default") await Notification.requestPermission();
    this.permission = permissionNow();
    if (this.permission !== "granted") return;
    try {
      await registerWorker();
      this.choose({ notify: true });
    } catch {
      this.permission = "failed";
    }
  }

  turnOff(): void {
    this.choose({ notify: false });
    this.#close();
    this.#queue = this.#queue.then(dropWorker).catch(() => {});
  }

  /** Another tab has chosen, or the person has changed the browser's settings. */
  reload(): void {
    this.prefs = loadNudge();
    this.permission = permissionNow();
  }

  /** The log has changed. `sealed`: the room has a key. `mentions`: of the unread, those that mention the person. */
  note(log: Log, sealed: boolean, mentions = 0): void {
    this.#noteCall(log);
    const before = this.#unread ?? log.unread;
    this.#unread = log.unread;
    const changed = log.unread !== before || mentions !== this.#mentions;
    this.#mentions = mentions;
    if (this.prefs.badge && changed) void showBadge(log.unread, mentions);
    if (log.unread === 0) return this.#close();
    const news = newsOf(log, before).filter((entry) => !this.prefs.mentionsOnly || isForMe(log, entry));
    for (const { seq } of news) this.#told.add(seq);
    if (news.length > 0) this.#sound();
    if (this.#told.size > 0) this.#tell(log, news.length > 0, sealed);
  }

  /** The room is left. */
  stop(): void {
    this.#unread = null;
    this.#call = null;
    this.#close();
    if (this.prefs.badge) void showBadge(0);
  }

  /** The page goes away for good. */
  vanish(): void {
    if (this.prefs.badge) void showBadge(0);
    if (this.#shown && this.#worker) leaveToClose(this.#worker, this.#tag);
  }

  /** Who is in the call did not see it begin, or began it. */
  #noteCall(log: Log): void {
    const call = newestCall(log);
    const before = this.#call;
    this.#call = call?.key ?? before ?? -1;
    if (!this.prefs.ring || before === null || !call || call.key <= before) return;
    const now = performance.now();
    if (call.over || isMine(log, call.from) || now < this.#rangAt + RING_INTERVAL) return;
    this.#rangAt = now;
    ring().catch(() => {});
  }

  #sound(): void {
    const now = performance.now();
    if (!this.prefs.sound || now < this.#soundedAt + SOUND_INTERVAL) return;
    this.#soundedAt = now;
    chime().catch(() => {});
  }

  /** A notification goes with its message, and says what the message says now. */
  #tell(log: Log, isNews: boolean, sealed: boolean): void {
    const standing = log.lines.filter(
      (line): line is Entry => line.kind === "entry" && this.#told.has(line.seq) && !("deleted" in line),
    );
    const last = standing.at(-1);
    if (!last) return this.#close();
    if (!this.notifies || (this.#shown?.seq === last.seq && this.#shown.text === last.text)) return;
    this.#shown = { seq: last.seq, text: last.text };
    const now = performance.now();
    const renotify = isNews && now >= this.#alertedAt + ALERT_INTERVAL;
    if (renotify) this.#alertedAt = now;
    const showsText = !sealed || this.prefs.sealedText;
    const { title, body } = notificationOf(standing, showsText, MORE[i18n.language]);
    const show = async () => {
      const registration = await registerWorker();
      const client = await askClientId(registration.active!);
      // The person may be back by now.
      if (this.#told.size === 0) return;
      this.#worker = registration.active;
      saveTag(this.#tag);
      // `renotify` is not in every browser, nor in TypeScript's types.
      const options: NotificationOptions & { renotify: boolean } = {
        body,
        tag: this.#tag,
        icon: "/icon-192.png",
        lang: i18n.language,
        data: { client },
        silent: true,
        renotify,
      };
      await registration.showNotification(title, options);
    };
    this.#queue = this.#queue.then(show).catch(() => this.reload());
  }

  #close(): void {
    this.#told.clear();
    if (!this.#shown) return;
    this.#shown = null;
    this.#queue = this.#queue.then(() => closeNotifications(this.#tag)).catch(() => {});
  }
}

function permissionNow(): Permission {
  if (!isSecureContext) return "insecure";
  if (!("Notification" in globalThis) || !("serviceWorker" in navigator)) return "missing";
  return Notification.permission;
}
