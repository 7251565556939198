// The effects that the user wants, kept in the browser. Both are off until they are chosen.

import { EFFECTS, loadLocal, saveLocal } from "../storage/storage";

export type EffectName = "blur" | "noise";

export type EffectPrefs = Readonly<Record<EffectName, boolean>>;

export function loadEffects(): EffectPrefs {
  return parseEffects(loadLocal(EFFECTS));
}

export function parseEffects(text: string | null): EffectPrefs {
  const chosen = text?.split(" ") ?? [];
  return { blur: chosen.includes("blur"), noise: chosen.includes("noise") };
}

/** Where nothing is wanted nothing is kept. */
export function saveEffects({ blur, noise }: EffectPrefs): void {
  const chosen = [blur ? "blur" : "", noise ? "noise" : ""].join(" ").trim();
  saveLocal(EFFECTS, chosen || null);
}
