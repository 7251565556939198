// A call's figures as the lines of a bug report. Tiles have numbers and no names.

import type { Figures, StreamFigures } from "./figures";
import type { Rating } from "./quality";
import type { Saving } from "./data-saver.svelte";
import type { ToolTexts } from "./tool-texts";

export type StatsRow = { name: string; value: string };

export type StatsContext = {
  browser: string;
  versions: { client: string; server: string };
  encrypted: boolean;
  rating: Rating;
  saving: Saving;
  /** In the order of the call. `track` is the id of the track that is shown; null: none. */
  tiles: readonly { mine: boolean; screen: boolean; track: string | null }[];
};

export function rowsOf(figures: Figures, about: StatsContext, t: ToolTexts, language: string): StatsRow[] {
  const number = (value: number, digits = 0) => value.toLocaleString(language, { maximumFractionDigits: digits });
  const share = (value: number) => value.toLocaleString(language, { style: "percent", maximumFractionDigits: 1 });
  const rate = (bits: number) => t.rate(number(bits / 1000));
  const known = (parts: string[]) => parts.filter((part) => part !== "").join(", ");
  const transports = figures.transports.map((way) =>
    way.startsWith("relay ") ? t.relay(way.slice("relay ".length).toUpperCase()) : way.toUpperCase(),
  );
  const size = ({ width, height, fps }: StreamFigures) =>
    width > 0 ? [`${width}×${height}`, t.fps(number(fps))] : [t.noVideo];
  const videoOf = (track: string | null) =>
    figures.streams.find((stream) => stream.kind === "video" && stream.track !== "" && stream.track === track);
  const sound = figures.streams.filter((stream) => stream.kind === "audio");
  const soundRate = (incoming: boolean) =>
    rate(sound.reduce((sum, stream) => sum + (stream.incoming === incoming ? stream.bitrate : 0), 0));
  return [
    { name: t.rows.browser, value: about.browser },
    { name: t.rows.livekit, value: `${about.versions.client}, ${about.versions.server || t.unknown}` },
    { name: t.rows.encryption, value: about.encrypted ? t.on : t.off },
    { name: t.rows.transport, value: transports.join(", ") || t.unknown },
    { name: t.rows.rating, value: t.ratings[about.rating] },
    {
      name: t.rows.roundTrip,
      value: figures.roundTrip === null ? t.unknown : t.milliseconds(number(figures.roundTrip * 1000)),
    },
    { name: t.rows.sent, value: known([rate(figures.sent.bitrate), t.loss(share(figures.sent.loss))]) },
    { name: t.rows.received, value: known([rate(figures.received.bitrate), t.loss(share(figures.received.loss))]) },
    {
      name: t.rows.sound,
      value: known([`↑ ${soundRate(false)}`, `↓ ${soundRate(true)}`, ...new Set(sound.map(({ codec }) => codec))]),
    },
    { name: t.saver, value: t.savings[about.saving] },
    ...about.tiles.map(({ mine, screen, track }, at) => {
      const what = mine ? (screen ? t.myScreen : t.myCamera) : screen ? t.screen : t.camera;
      const video = videoOf(track);
      const value = video ? known([...size(video), video.codec, rate(video.bitrate)]) : t.noVideo;
      return { name: t.tile(at + 1, what), value };
    }),
  ];
}
