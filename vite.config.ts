import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const TEXT = /\.(html|js|css|svg|txt|webmanifest)$/;

// The server hands out what it finds beside a file: compressing once, here,
// affords the highest quality and costs the server nothing.
function precompress(): Plugin {
  let out = "";
  return {
    name: "precompress",
    apply: "build",
    configResolved: (config) => void (out = resolve(config.root, config.build.outDir)),
    async closeBundle() {
      const files = await readdir(out, { recursive: true, withFileTypes: true });
      for (const file of files.filter((f) => f.isFile() && TEXT.test(f.name))) {
        const path = join(file.parentPath, file.name);
        const text = await readFile(path);
        const br = await promisify(brotliCompress)(text, {
          params: {
            [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
            [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
          },
        });
        await writeFile(`${path}.br`, br);
        await writeFile(`${path}.gz`, await promisify(gzip)(text, { level: 9 }));
      }
    },
  };
}

/** A library's chunk is called after the library and not after its `dist` folder. */
function chunkName(chunk: { moduleIds: string[]; name: string }): string {
  const library = /node_modules\/([^/]+)/.exec(chunk.moduleIds.at(-1) ?? "")?.[1];
  return `assets/${library ?? chunk.name}-[hash].js`;
}

export default defineConfig({
  root: "public",
  publicDir: "static",
  cacheDir: "../node_modules/.vite",
  plugins: [svelte({ configFile: false }), precompress()],
  build: {
    outDir: "../target/public",
    emptyOutDir: true,
    target: "es2022",
    // Everything that is needed at once is one file; what is not has no company to preload.
    modulePreload: false,
    // A data: URL would need a hole in the content security policy.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: { output: { chunkFileNames: chunkName } },
  },
  server: {
    proxy: {
      "/ws": { target: "ws://127.0.0.1:8080", ws: true },
      "/api": "http://127.0.0.1:8080",
      "/healthz": "http://127.0.0.1:8080",
    },
  },
  test: {
    environment: "happy-dom",
    include: ["**/*.test.ts"],
  },
});
