import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { build, type Plugin, type ResolvedConfig, type Rolldown } from "vite";
import { defineConfig } from "vitest/config";
import subsetFont from "subset-font";
import { vision } from "./vite.vision";

const TEXT = /\.(html|js|css|svg|txt|webmanifest)$/;

/** Large, and asked for by few: kept as Brotli alone, which every browser that can use them accepts. */
const PACKED = /\.(wasm|tflite)$/;
/** The best quality would take a minute of each build, for a sixth less. */
const PACKED_QUALITY = 5;

// The server puts its own address before this one, so what stands from here on is not known at build time.
const PREVIEW = "/preview.png";

/** Moves the preview's picture to the end of the head, so that nearly all of the document comes before its address. */
function preview(): Plugin {
  return {
    name: "preview",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(html) {
        const lines = html.match(/ *<meta [^>]*(?:og|twitter):image[^>]*>\n/g) ?? [];
        const rest = lines.reduce((left, line) => left.replace(line, ""), html);
        return rest.replace(/ *<\/head>/, (end) => lines.map((line) => line.trim()).join("\n") + `\n${end.trim()}`);
      },
    },
  };
}

// Compressing at build time allows the best quality. Of the document only the part before the preview's address is
// compressed; the server appends the rest.
function precompress(): Plugin {
  let out = "";
  return {
    name: "precompress",
    apply: "build",
    configResolved: (config) => void (out = resolve(config.root, config.build.outDir)),
    async closeBundle() {
      const files = (await readdir(out, { recursive: true, withFileTypes: true })).filter((f) => f.isFile());
      for (const file of files.filter((f) => PACKED.test(f.name))) {
        const path = join(file.parentPath, file.name);
        const params = {
          [constants.BROTLI_PARAM_QUALITY]: PACKED_QUALITY,
          [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
        };
        await writeFile(`${path}.br`, await promisify(brotliCompress)(await readFile(path), { params }));
        await rm(path);
      }
      for (const file of files.filter((f) => TEXT.test(f.name))) {
        const path = join(file.parentPath, file.name);
        const whole = await readFile(path);
        const cut = file.name === "index.html" ? whole.indexOf(PREVIEW) : -1;
        const text = cut < 0 ? whole : whole.subarray(0, cut);
        const br = await promisify(brotliCompress)(text, {
          finishFlush: cut < 0 ? constants.BROTLI_OPERATION_FINISH : constants.BROTLI_OPERATION_FLUSH,
          params: {
            [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
            [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
          },
        });
        await writeFile(`${path}.br`, br);
        const finishFlush = cut < 0 ? constants.Z_FINISH : constants.Z_SYNC_FLUSH;
        await writeFile(`${path}.gz`, await promisify(gzip)(text, { level: 9, finishFlush }));
      }
    },
  };
}

/** Newer emoji are an empty box to many readers: the picker begins to offer them when most systems draw them. */
const EMOJI_VERSION = 15;
/** The group of skin tones and hair, which are no emoji by themselves. */
const COMPONENTS = 2;

type EmojiData = { emoji: string; label: string; tags?: string[]; group?: number; order?: number; version: number };

/** What the picker needs of emojibase: a list for each group. `+👋|waving hand|hello wave`: `+` has a skin. */
function emoji(): Plugin {
  return {
    name: "emoji",
    enforce: "pre",
    load: {
      filter: { id: /emojibase-data\/\w+\/data\.json\?names$/ },
      async handler(id) {
        const data: (EmojiData & { skins?: unknown })[] = JSON.parse(await readFile(id.split("?")[0]!, "utf8"));
        const groups: string[][] = [];
        for (const one of data.toSorted((a, b) => (a.order ?? 0) - (b.order ?? 0))) {
          const { emoji, label, tags = [], group = COMPONENTS, version, skins } = one;
          if (version > EMOJI_VERSION || group === COMPONENTS) continue;
          // As Unicode recommends it and keyboards type it: emojibase asks for colour also where that is the rule.
          const typed = emoji.replaceAll(/(\p{Emoji_Presentation})\ufe0f/gu, "$1");
          const more = tags.filter((tag) => !label.toLowerCase().includes(tag.toLowerCase())).join(" ");
          (groups[group] ??= []).push(`${skins ? "+" : ""}${typed}|${label}|${more}`);
        }
        const json = JSON.stringify(JSON.stringify(groups.filter((rows) => rows !== undefined)));
        return { code: `export default JSON.parse(${json})`, moduleType: "js" };
      },
    },
  };
}

/** Loads a lazy part after its styles: Vite's own helper is three times as large, for browsers that this page does not serve. */
function partStyles(): Plugin {
  return {
    name: "part-styles",
    apply: "build",
    enforce: "pre",
    load: {
      filter: { id: /^\0vite\/preload-helper\.js$/ },
      handler: () =>
        `export { loadPart as __vitePreload } from "${resolve(import.meta.dirname, "public/load-part.ts")}";`,
    },
  };
}

/** The page is never drawn by a server: without its `hydrate`, a tenth of Svelte's runtime is never run. */
function noHydration(): Plugin {
  return {
    name: "no-hydration",
    apply: "build",
    enforce: "pre",
    transform: {
      filter: { id: /\/svelte\/src\/internal\/client\/dom\/hydration\.js$/ },
      handler(code) {
        const never = code
          .replace("export let hydrating = false;", "export const hydrating = false;")
          .replace("hydrating = value;", "");
        if (/let hydrating|hydrating = value/.test(never) || !never.includes("const hydrating = false"))
          throw new Error("Svelte decides otherwise whether it hydrates: this plugin has to follow");
        return { code: never, map: null };
      },
    },
  };
}

const TERMS = /^(licen[cs]e|copying|notice)/i;

type Package = {
  folder: string;
  name: string;
  version: string;
  license?: string;
  dependencies?: Record<string, string>;
};

/** The package that this file belongs to: the nearest above it whose description has a name. */
async function packageOf(file: string): Promise<Package> {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const description = await readFile(join(folder, "package.json"), "utf8").then(JSON.parse, () => null);
    if (description?.name) return { folder, ...description };
  }
  throw new Error(`${file} belongs to no package`);
}

/** The folder of a package that another one was built with. */
function beside(folder: string, name: string): string {
  for (let at = folder; at !== dirname(at); at = dirname(at)) {
    const there = join(at, "node_modules", name, "package.json");
    if (existsSync(there)) return there;
  }
  throw new Error(`${folder} was built with ${name}, which is not installed: its terms cannot be shipped`);
}

/**
 * `licenses.txt` has the terms of every package in the page, and of packages bundled into those, by their source maps
 * and descriptions.
 */
function licenses(): Plugin {
  return {
    name: "licenses",
    apply: "build",
    async generateBundle() {
      const terms = new Map<string, Set<string>>();
      const take = async (file: string, source: string | null) => {
        const { folder, name, version, license } = await packageOf(file);
        const texts = terms.get(`${name} ${version} (${license})`) ?? new Set();
        terms.set(`${name} ${version} (${license})`, texts);
        const files = (await readdir(folder)).filter((entry) => TERMS.test(entry));
        for (const entry of files) texts.add((await readFile(join(folder, entry), "utf8")).trim());
        // Some packages have their terms only at the head of each file.
        const head = /^\s*((\/\/.*\n)+|\/\*[^]*?\*\/)/.exec(source ?? "")?.[1];
        if (files.length === 0 && head && /copyright/i.test(head)) texts.add(head.replaceAll(/^\/\/ ?/gm, "").trim());
      };
      const modules = [...this.getModuleIds()].map((id) => id.split("?")[0]!.replace(/^\0+/, ""));
      for (const file of new Set(modules.filter((id) => id.includes("node_modules") && existsSync(id)))) {
        await take(file, await readFile(file, "utf8"));
        const map = await readFile(`${file}.map`, "utf8").then(JSON.parse, () => null);
        const swallowed: [string, string | null][] = (map?.sources ?? []).flatMap((source: string, at: number) => {
          const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1];
          return name ? [[name, map.sourcesContent?.[at] ?? null]] : [];
        });
        // Such a map may have holes; what the package says it needs has none.
        const needed = swallowed.length > 0 ? Object.keys((await packageOf(file)).dependencies ?? {}) : [];
        for (const [name, source] of [...swallowed, ...needed.map((name) => [name, null] as const)])
          await take(beside(dirname(file), name), source);
      }
      await take(`${SERIF.package}/package.json`, null);
      // It is in a package that names its terms without having them.
      terms.set("rnnoise (BSD-3-Clause)", new Set([(await readFile(RNNOISE_TERMS, "utf8")).trim()]));
      // The same for every package that is under it.
      const apache = (await readFile(APACHE, "utf8")).trim();
      for (const [name, texts] of terms) if (texts.size === 0 && name.endsWith("(Apache-2.0)")) texts.add(apache);
      const silent = [...terms].filter(([, texts]) => texts.size === 0).map(([name]) => name);
      if (silent.length > 0) throw new Error(`no terms found of ${silent.join(", ")}`);
      const parts = [...terms].sort().map(([name, texts]) => [name, "=".repeat(name.length), ...texts].join("\n\n"));
      this.emitFile({ type: "asset", fileName: "licenses.txt", source: `${parts.join("\n\n\n")}\n` });
    },
  };
}

const RNNOISE_TERMS = resolve(import.meta.dirname, "public/effects/rnnoise-terms.txt");
const APACHE = resolve(import.meta.dirname, "node_modules/@livekit/track-processors/LICENSE");

const SERIF = {
  package: resolve(import.meta.dirname, "node_modules/@fontsource/literata"),
  weight: 500,
  made: resolve(import.meta.dirname, "node_modules/.vite/serif"),
};

const letters = (from: string, to: string) =>
  Array.from({ length: to.charCodeAt(0) - from.charCodeAt(0) + 1 }, (_, i) =>
    String.fromCharCode(from.charCodeAt(0) + i),
  ).join("");

/** By script: what headings are written in. What lacks here is drawn in another font. */
const SERIF_LETTERS = {
  latin: `${letters(" ", "~")}\u00a0«»·${letters("À", "ÿ")}–—‘’‚“”„…`,
  cyrillic: `${letters("А", "я")}Ёё`,
};

/** The serif of headings, without what headings do not use: the package's files are twice as large. */
function serif(): Plugin {
  return {
    name: "serif",
    async config() {
      await mkdir(SERIF.made, { recursive: true });
      for (const [script, text] of Object.entries(SERIF_LETTERS)) {
        const whole = await readFile(`${SERIF.package}/files/literata-${script}-${SERIF.weight}-normal.woff2`);
        const part = await subsetFont(whole, text, { targetFormat: "woff2", noLayoutClosure: true });
        await writeFile(`${SERIF.made}/serif-${script}.woff2`, part);
      }
      return { resolve: { alias: { serif: SERIF.made } } };
    },
  };
}

/** Inlined: as a file the script would cost the round trip that it saves. The build tells it the files it preloads. */
function preconnect(): Plugin {
  let config: ResolvedConfig;
  return {
    name: "preconnect",
    apply: "build",
    configResolved: (resolved) => void (config = resolved),
    transformIndexHtml: {
      order: "post",
      async handler(html, { bundle }) {
        const {
          root,
          build: { target },
        } = config;
        const chunks = Object.values(bundle!).filter((part) => part.type === "chunk");
        const filesOf = (name: string) => {
          const { fileName, imports, viteMetadata } = chunks.find((chunk) => chunk.name === name)!;
          return [
            fileName,
            ...(viteMetadata?.importedCss ?? []),
            ...imports.filter((file) => !chunks.some((chunk) => chunk.isEntry && chunk.fileName === file)),
          ].map((file) => `/${file}`);
        };
        // A part that is only a style has no script.
        const serifFiles = (...scripts: (keyof typeof SERIF_LETTERS)[]) =>
          Object.keys(bundle!)
            .filter((file) => /\/serif-[^/]*\.css$/.test(file) || scripts.some((one) => file.includes(`serif-${one}-`)))
            .map((file) => `/${file}`);
        const define = {
          LOCALE_FILES: JSON.stringify({ en: filesOf("english"), ru: filesOf("russian") }),
          SERIF_FILES: JSON.stringify({ en: serifFiles("latin"), ru: serifFiles("latin", "cyrillic") }),
          LANDING_FILES: JSON.stringify(filesOf("Landing")),
          NAME_PROMPT_FILES: JSON.stringify(filesOf("NamePrompt")),
          ENCRYPTION_FILES: JSON.stringify(filesOf("encryption")),
        };
        const rolldownOptions = { input: "preconnect.ts", output: { format: "iife" } } as const;
        const built = await build({
          configFile: false,
          define,
          root,
          publicDir: false,
          logLevel: "warn",
          build: { write: false, target, modulePreload: false, rolldownOptions },
        });
        const [chunk] = (built as Rolldown.RolldownOutput).output;
        // Before everything that it need not wait for.
        return html.replace(
          / *<script type="module"/,
          (script) => `    <script>${chunk.code.trim()}</script>\n${script}`,
        );
      },
    },
  };
}

/** What the page's script imports without waiting, and so on: one file, or the document would have to name several. */
function neededAtOnce(): (id: string, about: { getModuleInfo(id: string): ModuleImports | null }) => boolean {
  let all: Set<string> | null = null;
  return (id, about) => {
    if (!all) {
      all = new Set([resolve(import.meta.dirname, "public/main.ts")]);
      for (const known of all) for (const imported of about.getModuleInfo(known)?.importedIds ?? []) all.add(imported);
    }
    return all.has(id);
  };
}

type ModuleImports = { importedIds: readonly string[] };

/** By the class of their style, the components that have it. */
const styled = new Map<string, string>();

/** The class that a component's style is bound to: Svelte's own is three times as long, and stands everywhere. */
function cssHash({ hash, filename }: { hash: (text: string) => string; filename: string }): string {
  const name = `s${hash(filename).slice(0, 4)}`;
  const other = styled.get(name) ?? filename;
  if (other !== filename) throw new Error(`${filename} and ${other} have the same hash: take a longer part of it`);
  styled.set(name, filename);
  return name;
}

/** GET gets the page, other methods go to the server. */
const pageOnGet = (request: { method?: string; url?: string }) => (request.method === "GET" ? request.url : undefined);

/** A library's chunk is called after the library and not after its `dist` folder. */
function chunkName(chunk: { moduleIds: string[]; name: string }): string {
  const library = /node_modules\/([^/]+)/.exec(chunk.moduleIds.at(-1) ?? "")?.[1];
  return `assets/${library ?? chunk.name}-[hash].js`;
}

const isNeededAtOnce = neededAtOnce();

export default defineConfig({
  root: "public",
  publicDir: "static",
  cacheDir: "../node_modules/.vite",
  // Tests mount views as a browser does, not as a server that renders them.
  ...(process.env["VITEST"] ? { resolve: { conditions: ["browser"] } } : {}),
  plugins: [
    svelte({ configFile: false, compilerOptions: { cssHash } }),
    serif(),
    emoji(),
    vision(),
    partStyles(),
    noHydration(),
    preconnect(),
    preview(),
    licenses(),
    precompress(),
  ],
  build: {
    outDir: "../target/public",
    emptyOutDir: true,
    target: "es2022",
    // These have `light-dark()`: rewritten for older ones it would not follow the theme that the person chose.
    cssTarget: ["chrome123", "edge123", "firefox120", "safari17.5"],
    // What is needed at once is one file; lazy chunks have nothing to preload.
    modulePreload: false,
    // A data: URL would need a hole in the content security policy.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        chunkFileNames: chunkName,
        codeSplitting: { groups: [{ name: (id, about) => (isNeededAtOnce(id, about) ? "index" : null) }] },
      },
    },
  },
  server: {
    proxy: {
      "/ws": { target: "ws://127.0.0.1:8080", ws: true },
      "/api": "http://127.0.0.1:8080",
      "/me": "http://127.0.0.1:8080",
      ...Object.fromEntries(
        ["/login", "/register"].map((path) => [path, { target: "http://127.0.0.1:8080", bypass: pageOnGet }]),
      ),
      "/logout": "http://127.0.0.1:8080",
      "/healthz": "http://127.0.0.1:8080",
    },
  },
  test: {
    environment: "happy-dom",
    include: ["**/*.test.ts"],
    // What the build makes of it is tested, and not what Node would read.
    server: { deps: { inline: [/emojibase-data/] } },
  },
});
