// Whether LiveKit can be reached, and by which ways media comes through. It joins a LiveKit room of its own, so nobody
// notices.

import { ConnectionError, ConnectionErrorReason, Room, RoomEvent, setLogLevel } from "livekit-client";
import { type LiveKitToken, TokenRefusedError } from "../protocol/livekit-token";
import { pause } from "./pause";
import { joinProblemOf } from "../video/devices/problem";
import { type SelectedWay, waysOf } from "../video/quality/transport-stats";

const TOKEN_TIMEOUT = 8_000;
const SIGNAL_TIMEOUT = 8_000;
const MEDIA_TIMEOUT = 18_000;
/** LiveKit may connect over TCP while its checks of UDP are under way. */
const UDP_PATIENCE = 5_000;
const SAMPLE = 250;

export type ProbeFinding =
  | { socket: "open" | "blocked" | "refused" | "insecure" | "no_token" | "token_refused" | "misconfigured" }
  | { udp: boolean }
  | { tcp: boolean }
  | { turn: boolean | "absent" };
export type Probed = "socket" | "udp" | "tcp" | "turn";

/** Where a probe reports: what it looks at, and what it has found. */
export type ProbeReport = { begins(what: Probed): void; found(finding: ProbeFinding): void };

type Ask = () => Promise<LiveKitToken>;

/** Ends early where the signal aborts; what was not found by then is not reported. */
export async function probe(ask: Ask, report: ProbeReport, signal: AbortSignal): Promise<void> {
  setLogLevel("silent");
  report.begins("socket");
  const access = await Promise.race([ask().catch((cause: unknown) => cause), pause(TOKEN_TIMEOUT)]);
  if (signal.aborted) return;
  if (!isToken(access)) return report.found({ socket: refusalOf(access) });
  if (globalThis.isSecureContext && location.protocol === "https:" && access.livekitUrl.startsWith("ws:"))
    return report.found({ socket: "insecure" });
  const direct = new Visit(access, signal);
  try {
    const connected = direct.connect();
    const opened = await direct.signalled;
    if (signal.aborted) return;
    if (opened !== "open") return report.found({ socket: opened });
    report.found({ socket: "open" });
    report.begins("udp");
    report.begins("tcp");
    const relay = direct.offersRelay;
    if (!relay) report.found({ turn: "absent" });
    await probeDirect(direct, connected, report, signal);
    if (!relay || signal.aborted) return;
    report.begins("turn");
    await direct.leave();
    const works = await relayed(ask, signal);
    if (!signal.aborted && works !== null) report.found({ turn: works });
  } finally {
    await direct.leave();
  }
}

function isToken(access: unknown): access is LiveKitToken {
  return typeof access === "object" && access !== null && "livekitUrl" in access;
}

function refusalOf(cause: unknown): "no_token" | "token_refused" | "misconfigured" {
  if (!(cause instanceof TokenRefusedError)) return "no_token";
  const problem = joinProblemOf(cause);
  return problem === "refused" ? "token_refused" : problem === "unusable" ? "misconfigured" : "no_token";
}

async function probeDirect(
  visit: Visit,
  connected: Promise<boolean>,
  report: ProbeReport,
  signal: AbortSignal,
): Promise<void> {
  if (!(await connected)) {
    if (signal.aborted) return;
    report.found({ udp: false });
    report.found({ tcp: false });
    return;
  }
  const udp = await visit.comesBy((way) => way.protocol === "udp" && !way.relay, UDP_PATIENCE);
  if (signal.aborted) return;
  report.found({ udp });
  const isTcp = (way: SelectedWay) => way.protocol === "tcp" && !way.relay;
  // Without UDP, LiveKit has taken TCP already, or only a relay is left.
  if (!udp) {
    const tcp = await visit.comesBy(isTcp, UDP_PATIENCE);
    if (!signal.aborted) report.found({ tcp });
    return;
  }
  if (!(await visit.comesBy(isTcp, 0))) await visit.forceTcp();
  const tcp = await visit.comesBy(isTcp, MEDIA_TIMEOUT);
  if (!signal.aborted) report.found({ tcp });
}

/** LiveKit remembers for a token's room which ways were forced: the relay needs another. */
async function relayed(ask: Ask, signal: AbortSignal): Promise<boolean | null> {
  const access = await ask().catch(() => null);
  if (!access || signal.aborted) return null;
  const visit = new Visit(access, signal);
  try {
    return await visit.connect({ iceTransportPolicy: "relay" });
  } finally {
    await visit.leave();
  }
}

/** One stay in a LiveKit room of a test. */
class Visit {
  readonly #room = new Room();
  readonly #access: LiveKitToken;
  readonly #signal: AbortSignal;
  #left = false;
  #settle: (opened: "open" | "blocked" | "refused") => void = () => {};
  /** How the WebSocket went. */
  readonly signalled = new Promise<"open" | "blocked" | "refused">((settle) => (this.#settle = settle));

  constructor(access: LiveKitToken, signal: AbortSignal) {
    this.#access = access;
    this.#signal = signal;
    this.#room.once(RoomEvent.SignalConnected, () => this.#settle("open"));
    signal.addEventListener("abort", () => void this.leave(), { once: true });
  }

  get offersRelay(): boolean {
    const servers = this.#room.engine.latestJoinResponse?.iceServers ?? [];
    return servers.some(({ urls }) => urls.some((url) => url.startsWith("turn")));
  }

  /** Whether media connects. */
  async connect(rtcConfig: RTCConfiguration = {}): Promise<boolean> {
    try {
      const { livekitUrl, token } = this.#access;
      await this.#room.connect(livekitUrl, token, {
        maxRetries: 0,
        websocketTimeout: SIGNAL_TIMEOUT,
        peerConnectionTimeout: MEDIA_TIMEOUT,
        rtcConfig,
      });
      return true;
    } catch (cause) {
      const refused = cause instanceof ConnectionError && cause.reason === ConnectionErrorReason.NotAllowed;
      this.#settle(refused ? "refused" : "blocked");
      return false;
    }
  }

  /** Whether a way of this kind works, within this time. */
  async comesBy(is: (way: SelectedWay) => boolean, patience: number): Promise<boolean> {
    for (const until = Date.now() + patience; ; await pause(SAMPLE)) {
      const stats = await this.#room.engine.pcManager?.publisher.getStats()?.catch(() => undefined);
      if (stats && waysOf(stats).some(is)) return true;
      if (this.#signal.aborted || this.#left || Date.now() >= until) return false;
    }
  }

  /** LiveKit connects again, and offers TCP alone. */
  async forceTcp(): Promise<void> {
    const reconnecting = new Promise<void>((then) => this.#room.once(RoomEvent.Reconnecting, () => then()));
    await this.#room.simulateScenario("force-tcp").catch(() => {});
    await Promise.race([reconnecting, pause(UDP_PATIENCE)]);
  }

  async leave(): Promise<void> {
    if (this.#left) return;
    this.#left = true;
    this.#settle("blocked");
    await this.#room.disconnect().catch(() => {});
  }
}
