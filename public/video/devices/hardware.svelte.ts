// The cameras, microphones and speakers of this machine.

export class Hardware {
  all: readonly MediaDeviceInfo[] = $state.raw([]);

  /** Until the page may use one of a kind, browsers do not say which there are. */
  of(kind: MediaDeviceKind): readonly MediaDeviceInfo[] {
    return this.all.filter((device) => device.kind === kind && device.deviceId !== "");
  }

  async refresh(): Promise<void> {
    this.all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  }

  /** Looks whenever something is plugged in or out, until the function that it returns is called. */
  watch(): () => void {
    const refresh = () => void this.refresh();
    navigator.mediaDevices?.addEventListener("devicechange", refresh);
    return () => navigator.mediaDevices?.removeEventListener("devicechange", refresh);
  }
}
