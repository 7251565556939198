// The first script of the page, which stands in the document itself: it knocks
// at the room while the rest of the page is still on its way. It decides
// nothing: who is then on the way in takes over what it would have asked for.

import { preconnect } from "./transport/ws";
import { parseTransport } from "./protocol/transport-name";
import { parseAddress } from "./e2ee/key";
import { savedNameFor, loadLanguage, loadSession, loadTransport } from "./storage/storage";
import { chooseLanguage, type Language } from "./i18n/language";

/** The files with the words of each language, as the build has named them. */
declare const LOCALE_FILES: Record<Language, readonly string[]>;

// The page imports its words when it runs: they come beside it, not after it.
for (const href of LOCALE_FILES[chooseLanguage(loadLanguage(), navigator.languages)]) {
  document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href }));
}

const { room: place, key } = parseAddress(location.href);
// Behind a damaged key nobody joins: the page says so, and this script nothing.
const room = key.is === "damaged" ? null : (place?.id ?? null);
const name = room === null ? null : savedNameFor(room);
const transport = parseTransport(new URLSearchParams(location.search).get("transport")) ?? loadTransport() ?? "ws";
if (room !== null && name !== null && transport === "ws")
  preconnect({ room, name, ticket: loadSession(room)?.ticket ?? null });
