// The program that finds people in pictures, for the effects of a call.

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Plugin } from "vite";

const VISION = resolve(import.meta.dirname, "node_modules/@mediapipe/tasks-vision");

/** The program that finds people in pictures asks for its files by their own names, in a folder that the page names. */
export function vision(): Plugin {
  const { version } = JSON.parse(readFileSync(`${VISION}/package.json`, "utf8")) as { version: string };
  const folder = `assets/vision-${version}`;
  return {
    name: "vision",
    config: (_, { command }) => ({
      define: { VISION_FILES: JSON.stringify(command === "build" ? `/${folder}` : `/@fs${VISION}/wasm`) },
    }),
    async generateBundle() {
      for (const file of ["vision_wasm_internal.js", "vision_wasm_internal.wasm"]) {
        this.emitFile({
          type: "asset",
          fileName: `${folder}/${file}`,
          source: await readFile(`${VISION}/wasm/${file}`),
        });
      }
    },
  };
}
