// The script inside the document: it sets the theme before anything is drawn, and opens the WebSocket while the page's
// script loads. The session takes the socket over if its parameters match.

import { preconnect } from "./transport/ws";
import { parseTransport } from "./protocol/transport-name";
import { inviteOf, parseAddress } from "./e2ee/key";
import { savedNameFor, loadLanguage, loadSession, loadTransport } from "./storage/storage";
import { chooseLanguage, type Language } from "./i18n/language";
import { applyTheme, loadTheme } from "./views/theme";

/** As the build named them: the texts of each language, the serif, the views outside of a room, and encryption. */
declare const LOCALE_FILES: Record<Language, readonly string[]>;
declare const SERIF_FILES: Record<Language, readonly string[]>;
declare const LANDING_FILES: readonly string[];
declare const NAME_PROMPT_FILES: readonly string[];
declare const ENCRYPTION_FILES: readonly string[];

applyTheme(loadTheme());

const { room: roomRef, key } = parseAddress(location.href);
// With a damaged key the page joins no room, so this script connects nowhere.
const room = key.is === "damaged" ? null : (roomRef?.id ?? null);
const name = room === null ? null : savedNameFor(room);
const outside = name === null && /^\/($|r\/)/.test(location.pathname);

// The page imports its texts and such parts when it runs: preloaded, they arrive with it and not after it.
const language = chooseLanguage(loadLanguage(), navigator.languages);
for (const href of [
  ...LOCALE_FILES[language],
  ...(outside ? [...(room !== null ? NAME_PROMPT_FILES : LANDING_FILES), ...SERIF_FILES[language]] : []),
  ...(room !== null && key.is === "key" ? ENCRYPTION_FILES : []),
]) {
  const kind = href.endsWith("js")
    ? { rel: "modulepreload" }
    : href.endsWith("css")
      ? { rel: "preload", as: "style", crossOrigin: "" }
      : { rel: "preload", as: "font", crossOrigin: "", fetchPriority: "low" };
  document.head.append(Object.assign(document.createElement("link"), kind, { href }));
}

const transport = parseTransport(new URLSearchParams(location.search).get("transport")) ?? loadTransport() ?? "ws";
if (room !== null && name !== null && transport === "ws")
  preconnect({ room, name, ticket: loadSession(room)?.ticket ?? null, invite: inviteOf(location.search) });
