// Devices that are unplugged or stop in a call, what replaces them, and what is plugged in again.

import {
  deviceName,
  type DeviceKind,
  find,
  isHidden,
  isListed,
  KINDS,
  type Listed,
  ofKind,
  replacement,
} from "./unplugged";

/** A device in use was lost. */
export type Loss = {
  readonly kind: DeviceKind;
  readonly name: string;
  /** It is no longer there; otherwise it only stopped, and another one took its place. */
  readonly unplugged: boolean;
  /** The name of the device in its place; null where there is none. */
  readonly now: string | null;
  /** The user wants one of its kind to be on. */
  readonly on: boolean;
};

/** A device that the user may want back. */
export type Offer = { readonly kind: DeviceKind; readonly id: string; readonly name: string };

/** What these rules need of the call. */
export type UsedDevices = {
  list(): Promise<readonly Listed[]>;
  /** The id of what is in use; empty where nothing is. */
  used(kind: DeviceKind): string;
  /** It is on, and delivers. */
  works(kind: DeviceKind): boolean;
  /** The user wants it on. */
  wanted(kind: DeviceKind): boolean;
  /** Uses another device, and resolves to whether that succeeded. */
  use(kind: DeviceKind, id: string): Promise<boolean>;
  /** It stopped, and no other one took its place; or the user took the permission back. */
  fail(kind: DeviceKind, why: "ended" | "denied"): void;
};

/** Milliseconds that LiveKit is given to go on with another device. */
export const SWITCH_TIMEOUT = 2_000;
const SWITCH_CHECK = 100;
const ALL = Object.keys(KINDS) as DeviceKind[];

export class DeviceChanges {
  losses: readonly Loss[] = $state.raw([]);
  offers: readonly Offer[] = $state.raw([]);
  readonly #devices: UsedDevices;
  #list: readonly Listed[] = [];
  /** The devices in use, as they were listed. */
  readonly #inUse = new Map<DeviceKind, Listed>();
  readonly #lost = new Map<DeviceKind, Listed>();
  readonly #checking = new Set<DeviceKind>();
  #closed = false;

  constructor(devices: UsedDevices) {
    this.#devices = devices;
  }

  /** Looks at what is plugged in, until it is closed. */
  watch(): void {
    void this.#refresh();
    navigator.mediaDevices?.addEventListener("devicechange", this.#onChange);
  }

  close(): void {
    this.#closed = true;
    navigator.mediaDevices?.removeEventListener("devicechange", this.#onChange);
  }

  /** The call uses other devices now, or may. */
  async note(): Promise<void> {
    const known = ALL.every((kind) => {
      const id = this.#devices.used(kind);
      return id === "" || this.#remember(kind, id);
    });
    // Browsers name the devices only once the user has allowed one.
    if (!known) await this.#refresh();
  }

  /** The track of this device ended by itself. */
  ended(kind: DeviceKind): void {
    void this.#check(kind, true);
  }

  /** The user has chosen a device, or has read what happened. */
  settle(kind: DeviceKind, chosen: boolean): void {
    this.losses = this.losses.filter((loss) => loss.kind !== kind);
    if (chosen) this.#lost.delete(kind);
    this.#offer();
  }

  readonly #onChange = () => void this.#changed();

  async #changed(): Promise<void> {
    this.#list = await this.#devices.list();
    for (const kind of ALL) {
      const used = this.#inUse.get(kind);
      if (used && !isListed(this.#list, used)) void this.#check(kind, false);
    }
    this.#offer();
  }

  async #refresh(): Promise<void> {
    this.#list = await this.#devices.list();
    for (const kind of ALL) this.#remember(kind, this.#devices.used(kind));
  }

  #remember(kind: DeviceKind, id: string): boolean {
    const device = find(this.#list, kind, id);
    if (device && !this.#checking.has(kind)) this.#inUse.set(kind, device);
    return device !== undefined;
  }

  /** LiveKit may go on with another device by itself: it gets the time to do so. */
  async #check(kind: DeviceKind, ended: boolean): Promise<void> {
    const lost = this.#inUse.get(kind);
    if (!lost || this.#checking.has(kind)) return;
    this.#checking.add(kind);
    try {
      const now = await this.#switched(kind, lost, ended);
      if (this.#closed || now === lost) return;
      this.#inUse.delete(kind);
      if (kind !== "speaker" && isHidden(this.#list, kind)) return this.#devices.fail(kind, "denied");
      const on = this.#devices.wanted(kind);
      const name = now ? deviceName(now) : await this.#replace(kind, lost);
      if (this.#closed) return;
      const unplugged = !isListed(this.#list, lost);
      if (name === null && !unplugged) return this.#devices.fail(kind, "ended");
      if (unplugged) this.#lost.set(kind, lost);
      const loss = { kind, name: deviceName(lost), unplugged, now: name, on };
      this.losses = [...this.losses.filter((other) => other.kind !== kind), loss];
      this.#offer();
    } finally {
      this.#checking.delete(kind);
      void this.note();
    }
  }

  /** The device in use once it works, be it the former one; undefined where LiveKit has found none. */
  async #switched(kind: DeviceKind, lost: Listed, ended: boolean): Promise<Listed | undefined> {
    for (let waited = 0; waited <= SWITCH_TIMEOUT && !this.#closed; waited += SWITCH_CHECK) {
      await new Promise((then) => window.setTimeout(then, SWITCH_CHECK));
      this.#list = await this.#devices.list();
      const gone = !isListed(this.#list, lost);
      if (!gone && !ended) return lost;
      // What is off is replaced without LiveKit.
      if (!this.#devices.wanted(kind)) return gone ? undefined : lost;
      const used = find(this.#list, kind, this.#devices.used(kind));
      if (used && this.#devices.works(kind)) return used.deviceId === lost.deviceId ? lost : used;
    }
    return undefined;
  }

  async #replace(kind: DeviceKind, lost: Listed): Promise<string | null> {
    const other = replacement(this.#list, kind, lost);
    if (!other || !(await this.#devices.use(kind, other.deviceId))) return null;
    return deviceName(find(this.#list, kind, other.deviceId) ?? other);
  }

  /** What was lost is offered when it is back; any other device where nothing took its place. */
  #offer(): void {
    this.offers = [...this.#lost].flatMap(([kind, lost]) => {
      const back = ofKind(this.#list, kind).find(({ deviceId }) => deviceId === lost.deviceId);
      const none = this.losses.some((loss) => loss.kind === kind && loss.now === null);
      const other = back ?? (none ? replacement(this.#list, kind, lost) : undefined);
      return other && !this.#checking.has(kind) ? [{ kind, id: other.deviceId, name: deviceName(other) }] : [];
    });
  }
}
