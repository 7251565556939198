// The texts of the lines that a call makes among the messages, in their chunk.

import type { Language } from "./language";

const en = {
  began: (user: string) => `${user} started a call`,
  youBegan: "You started a call",
  join: "Join",
  audio: "Audio only",
  ended: "The call ended",
  endedAfter: (length: string) => `The call ended after ${length}`,
};

type CallLineTexts = typeof en;

const ru: CallLineTexts = {
  began: (user) => `Звонок начат: ${user}`,
  youBegan: "Вы начали звонок",
  join: "Присоединиться",
  audio: "Только звук",
  ended: "Звонок завершён",
  endedAfter: (length) => `Звонок завершён, он длился ${length}`,
};

export const CALL_LINE: Record<Language, CallLineTexts> = { en, ru };
