// Which effects this browser can do, asked before anything is loaded.

import type { EffectName } from "./prefs";

/** The globals that effects need. */
export type Globals = Readonly<Record<string, unknown>>;

/** As the library's own `supportsBackgroundProcessors`, which would have to be loaded first. */
function blurs(globals: Globals, drawsWebGl: () => boolean): boolean {
  const { OffscreenCanvas, VideoFrame, createImageBitmap, HTMLCanvasElement } = globals;
  if (!OffscreenCanvas || !VideoFrame || !createImageBitmap) return false;
  const streams = Boolean(globals["MediaStreamTrackProcessor"] && globals["MediaStreamTrackGenerator"]);
  const canvas = (HTMLCanvasElement as { prototype?: object } | undefined)?.prototype;
  return (streams || (canvas !== undefined && "captureStream" in canvas)) && drawsWebGl();
}

/** Whether this browser can. Some switch WebAssembly off, as iOS in lockdown mode does. */
export function supports(
  effect: EffectName,
  globals: Globals = globalThis as unknown as Globals,
  drawsWebGl = () => document.createElement("canvas").getContext("webgl2") !== null,
): boolean {
  if (!globals["WebAssembly"]) return false;
  return effect === "blur" ? blurs(globals, drawsWebGl) : Boolean(globals["AudioWorkletNode"]);
}
