import { expect, test } from "vitest";
import { type Globals, supports } from "./support";

const draws = () => true;
class Canvas {
  captureStream() {}
}

const FIREFOX: Globals = {
  WebAssembly: {},
  OffscreenCanvas: class {},
  VideoFrame: class {},
  createImageBitmap: () => {},
  HTMLCanvasElement: Canvas,
  AudioWorkletNode: class {},
};
const CHROMIUM: Globals = {
  ...FIREFOX,
  MediaStreamTrackProcessor: class {},
  MediaStreamTrackGenerator: class {},
};

test("browsers of today can do both, with track processors or without", () => {
  for (const globals of [FIREFOX, CHROMIUM]) {
    expect([supports("blur", globals, draws), supports("noise", globals, draws)]).toEqual([true, true]);
  }
  const { HTMLCanvasElement: _, ...noCanvas } = CHROMIUM;
  expect(supports("blur", noCanvas, draws)).toBe(true);
});

test("a browser that lacks what an effect needs cannot do it", () => {
  for (const missing of ["WebAssembly", "OffscreenCanvas", "VideoFrame", "createImageBitmap", "HTMLCanvasElement"]) {
    const { [missing]: _, ...globals } = FIREFOX;
    expect(supports("blur", globals, draws), missing).toBe(false);
  }
  expect(supports("blur", { ...FIREFOX, HTMLCanvasElement: class {} }, draws)).toBe(false);
  expect(supports("blur", CHROMIUM, () => false)).toBe(false);
  for (const missing of ["WebAssembly", "AudioWorkletNode"]) {
    const { [missing]: _, ...globals } = CHROMIUM;
    expect(supports("noise", globals, draws), missing).toBe(false);
  }
});
