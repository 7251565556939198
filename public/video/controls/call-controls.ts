// The controls of a call.

import type { EncryptionSummary } from "../../e2ee/summary";
import { isLastOne } from "../../log/members";
import type { RoomSession } from "../../session/room-session.svelte";
import { i18n } from "../../i18n/i18n.svelte";
import type { RoomDialog } from "../../views/room-dialog";
import type { Call } from "../call.svelte";
import type { Texts } from "../i18n/en";
import type { CallShape } from "../call-shapes";
import { CALL_KEYS } from "./keys";
import type { Layout } from "../stage/large-tile";
import { type CallTool, toolControls } from "./tool-controls";
import { toolTexts } from "../quality/tool-texts";
import { type Control, IN_MENU } from "./toolbar";

/** What the controls change beside the call. */
export type CallActions = {
  layout: Layout;
  choose: (layout: Layout) => void;
  /** Opens or closes the dialog of devices. */
  devices: () => void;
  chat: { shown: boolean; label: string; unread: number; toggle: () => void };
  /** The small window; null where the browser has none. */
  popOut: { open: boolean; toggle: () => void } | null;
  /** Opens a tool; these are in the menu alone, as is what `room` adds. */
  tool: (tool: CallTool) => void;
  room: readonly Control[];
  hangUp: () => void;
};

/** In the order in which they stand; the ranks say which of them go to the menu. */
export function controlsOf(call: Call, t: Texts, actions: CallActions): Control[] {
  const { layout, chat, popOut } = actions;
  const other = layout === "grid" ? "focus" : "grid";
  return [
    {
      id: "mic",
      name: call.mic ? t.mute : t.unmute,
      word: call.mic ? t.words.mic : t.words.micOff,
      shape: call.mic ? "mic" : "micOff",
      key: CALL_KEYS.mic,
      ...(call.talk.enabled && !call.mic ? { hint: t.talkNow } : {}),
      ...(call.mic ? {} : { look: "off" }),
      act: () => void call.media.setMic(!call.mic),
    },
    {
      id: "camera",
      name: call.camera ? t.cameraOff : t.cameraOn,
      word: t.words.camera,
      shape: call.camera ? "video" : "videoOff",
      key: CALL_KEYS.camera,
      ...(call.camera ? {} : { look: "off" }),
      act: () => void call.media.setCamera(!call.camera),
    },
    ...("getDisplayMedia" in (navigator.mediaDevices ?? {})
      ? [
          {
            id: "screen",
            name: call.sharing ? t.unshare : t.share,
            word: call.sharing ? t.words.screenOn : t.words.screen,
            shape: "screen",
            key: CALL_KEYS.screen,
            rank: 5,
            ...(call.sharing ? { look: "lit" } : {}),
            act: () => void call.media.setSharing(!call.sharing),
          } satisfies Control,
        ]
      : []),
    {
      id: "hand",
      name: call.hand ? t.lower : t.raise,
      word: t.words.hand,
      shape: "hand",
      key: CALL_KEYS.hand,
      rank: 4,
      ...(call.hand ? { look: "lit" } : {}),
      act: () => call.setHand(!call.hand),
    },
    {
      id: "chat",
      name: chat.label,
      word: t.words.chat,
      shape: "chat",
      key: CALL_KEYS.chat,
      expanded: chat.shown,
      count: chat.unread,
      always: true,
      ...(chat.shown ? { look: "lit" } : {}),
      act: chat.toggle,
    },
    {
      id: "layout",
      name: t[other],
      word: t.words[other],
      shape: other,
      key: CALL_KEYS.layout,
      rank: 3,
      act: () => actions.choose(other),
    },
    {
      id: "devices",
      name: t.words.devices,
      word: t.words.devices,
      shape: "devices",
      key: CALL_KEYS.devices,
      rank: 2,
      act: actions.devices,
    },
    ...(popOut
      ? [
          {
            id: "popOut",
            name: t.popOut,
            word: t.words.popOut,
            shape: "float",
            rank: 1,
            ...(popOut.open ? { look: "lit" } : {}),
            act: popOut.toggle,
          } satisfies Control,
        ]
      : []),
    ...toolControls(toolTexts(), actions.tool).map((tool) => ({ ...tool, word: "", rank: IN_MENU })),
    ...actions.room,
    {
      id: "hangUp",
      name: t.hangUp,
      word: t.words.hangUp,
      shape: "hangUp",
      key: CALL_KEYS.hangUp,
      look: "danger",
      always: true,
      act: actions.hangUp,
    },
  ];
}

/** What the room's header offers, for the menu of a call that hides it. */
export function roomControls(
  session: RoomSession,
  callTexts: Texts,
  encryption: EncryptionSummary,
  open: (what: RoomDialog | "more") => void,
): Control[] {
  const t = i18n.texts;
  const entry = (id: string, name: string, shape: CallShape, act: () => void): Control => ({
    id,
    name,
    word: "",
    shape,
    rank: IN_MENU,
    always: true,
    act,
  });
  return [
    entry("invite", t.invite, "invite", () => open("invite")),
    entry("people", t.people, "people", () => open("people")),
    entry("encryption", encryption.title, encryption.state === "sealed" ? "locked" : "unlocked", () =>
      open("encryption"),
    ),
    entry("ofRoom", callTexts.ofRoom, "more", () => open("more")),
    entry("leave", t.leaveRoom, "leave", () => (isLastOne(session.log) ? open("leave") : session.leave())),
  ];
}

/** What the small window has: the devices, the way back and the end. */
export function smallControls(controls: readonly Control[], t: Texts, back: () => void): Control[] {
  const of = (id: string) => controls.filter((control) => control.id === id);
  const toPage: Control = { id: "back", name: t.back, word: "", shape: "back", always: true, act: back };
  return [...of("mic"), ...of("camera"), toPage, ...of("hangUp")];
}
