// The texts of a room that ended otherwise than by leaving it, in their chunk.

import type { Language } from "./language";

const en = {
  replacedTitle: "This room is open in another tab",
  replacedText: "You can be in this room in only one tab at a time.",
  refusedTitle: "Couldn’t join",
  continueHere: "Continue here",
  tryAgain: "Try again",
};

export type EndingTexts = typeof en;

const ru: EndingTexts = {
  replacedTitle: "Эта комната открыта в другой вкладке",
  replacedText: "В комнате можно быть только в одной вкладке.",
  refusedTitle: "Не удалось войти",
  continueHere: "Продолжить здесь",
  tryAgain: "Попробовать ещё раз",
};

export const ENDING: Record<Language, EndingTexts> = { en, ru };
