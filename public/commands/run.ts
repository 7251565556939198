// What a command does. A text that is no known command stays where it was written.

import { hostView } from "../host/host-view.svelte";
import { hostError } from "../host/settings-texts";
import { topicOf } from "../host/title";
import { i18n } from "../i18n/i18n.svelte";
import { RENAME } from "../i18n/rename";
import { isolateName } from "../log/display-text";
import { nameTags } from "../log/rows";
import { isHost } from "../log/state";
import type { HostMessage, Member } from "../protocol/frames";
import { parseName } from "../protocol/name";
import { roomPath } from "../protocol/room-id";
import { Hosting } from "../session/hosting";
import { Renaming } from "../session/renaming";
import type { RoomSession } from "../session/room-session.svelte";
import { copyText } from "../views/clipboard";
import { OF_MEMBERS, parseCommand } from "./names";
import { COMMAND_TEXTS } from "./texts";

export type Outcome =
  /** It is done; `told` may be empty. */
  | { is: "done"; told: string }
  /** The text stays. */
  | { is: "wrong"; told: string }
  | { is: "help" }
  /** The room ends once that is confirmed. */
  | { is: "burn" };

const done = (told = ""): Outcome => ({ is: "done", told });
const wrong = (told: string): Outcome => ({ is: "wrong", told });

export async function runCommand(text: string, session: RoomSession): Promise<Outcome> {
  const t = COMMAND_TEXTS[i18n.language];
  const command = parseCommand(text);
  if (!command) return wrong(t.unknown(/^\S*/u.exec(text)![0]));
  const { name, words } = command;
  if (OF_MEMBERS.includes(name)) return ofMember(name as "kick", words, session);
  switch (name) {
    case "help":
      return { is: "help" };
    case "me":
      if (words === "") return wrong(t.needs(t.usage.me));
      session.send(action(session.log.me?.user ?? session.name, words));
      return done();
    case "nick":
      return rename(words, session);
    case "invite":
      return invite(session);
    case "lock": {
      const lock = ({ "": "locked", locked: "locked", open: "open", knock: "knock" } as const)[words.toLowerCase()];
      return lock ? ask({ type: "lock", lock }, session) : wrong(t.needs(t.usage.lock));
    }
    case "unlock":
      return ask({ type: "lock", lock: "open" }, session);
    case "knock":
      return ask({ type: "lock", lock: "knock" }, session);
    case "topic":
      return ask(await topicOf(words, session), session);
    default:
      return isHost(session.log) ? { is: "burn" } : wrong(hostError("not_host", i18n.language));
  }
}

/** Ends the room. */
export function burn(session: RoomSession): Promise<Outcome> {
  return ask({ type: "burn" }, session);
}

async function ask(what: HostMessage | null, session: RoomSession, told = ""): Promise<Outcome> {
  // A server without hosts gives an error of its own.
  const mayAsk = session.log.rules === null || isHost(session.log);
  const code = !mayAsk ? "not_host" : what === null ? "bad_title" : await session.host(what, Hosting);
  return code === "" ? done(told) : wrong(hostError(code, i18n.language));
}

async function ofMember(name: "kick" | "mute" | "unmute" | "host", words: string, session: RoomSession) {
  const t = COMMAND_TEXTS[i18n.language];
  if (words === "") return wrong(t.needs(t.usage[name]));
  const found = membersCalled(words, session);
  const [member, ...others] = found;
  if (!member) return wrong(t.nobody(isolateName(words)));
  if (others.length > 0) {
    const tags = nameTags(session.log);
    return wrong(t.several(isolateName(member.user), i18n.list(found.map((m) => tags.get(m.clientId) ?? ""))));
  }
  const { clientId, user } = member;
  const what: Record<typeof name, HostMessage> = {
    kick: { type: "kick", clientId },
    mute: { type: "mute", clientId, muted: true },
    unmute: { type: "mute", clientId, muted: false },
    host: { type: "host", clientId },
  };
  return ask(what[name], session, t.done[name](isolateName(user)));
}

/** By the whole name, with its mark where several have it. */
function membersCalled(words: string, { log }: RoomSession): readonly Member[] {
  const wanted = words.replace(/^@/u, "").toLowerCase();
  const tags = nameTags(log);
  const others = log.members.filter((m) => m.clientId !== log.me?.clientId);
  const exact = others.filter((m) => `${m.user} ${tags.get(m.clientId)}`.toLowerCase() === wanted);
  return exact.length > 0 ? exact : others.filter((m) => m.user.toLowerCase() === wanted);
}

async function rename(words: string, session: RoomSession): Promise<Outcome> {
  const t = RENAME[i18n.language];
  const name = parseName(words);
  const code = name === null ? "bad_name" : await session.rename(name, Renaming);
  return code === "" ? done() : wrong(t.errors[code] ?? t.failed);
}

async function invite({ room, secret }: RoomSession): Promise<Outcome> {
  const t = COMMAND_TEXTS[i18n.language];
  if (hostView.invites) {
    hostView.invites();
    return done();
  }
  const link = new URL(roomPath(room) + (secret === null ? "" : `#${secret}`), location.href).href;
  return (await copyText(link)) ? done(t.linkCopied) : wrong(t.linkFailed);
}

/** In italics, where Markdown makes it so. */
function action(name: string, words: string): string {
  const said = `${name} ${words}`;
  return /[*\n]/u.test(said) ? said : `*${said}*`;
}
