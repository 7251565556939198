// What a peer connection says of its way to LiveKit. Addresses are not read.

export type SelectedWay = {
  protocol: string;
  /** Through a TURN relay. */
  relay: boolean;
  /** Seconds. */
  roundTrip: number | null;
};

export type Stat = Record<string, unknown> & { id: string; type: string };

/** A report by the ids in it. */
export function statsOf(report: RTCStatsReport): Map<string, Stat> {
  const stats = new Map<string, Stat>();
  report.forEach((stat: Stat) => stats.set(stat.id, stat));
  return stats;
}

/** The ways that work: those whose connectivity checks were answered. The one in use comes first. */
export function waysOf(report: RTCStatsReport): SelectedWay[] {
  const stats = statsOf(report);
  const all = [...stats.values()];
  const used = new Set(all.filter(({ type }) => type === "transport").map((stat) => stat.selectedCandidatePairId));
  // Firefox marks the pair itself.
  const isUsed = (pair: Stat) => used.has(pair.id) || pair.selected === true;
  const pairs = all.filter(({ type, state }) => type === "candidate-pair" && state === "succeeded");
  pairs.sort((a, b) => Number(isUsed(b)) - Number(isUsed(a)));
  return pairs.flatMap((pair) => {
    const local = stats.get(String(pair.localCandidateId));
    if (!local) return [];
    const relay = local.candidateType === "relay";
    const protocol = String((relay ? local.relayProtocol : undefined) ?? local.protocol);
    const roundTrip = typeof pair.currentRoundTripTime === "number" ? pair.currentRoundTripTime : null;
    return [{ protocol, relay, roundTrip }];
  });
}
