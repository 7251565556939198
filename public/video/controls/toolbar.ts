// What the toolbar of a call shows, and what it moves to its menu where there is no room.

import type { CallShape } from "../call-shapes";

export type Control = {
  id: string;
  /** What it does, as its accessible name. */
  name: string;
  /** What its tooltip adds. */
  hint?: string;
  /** The word under the icon. */
  word: string;
  shape: CallShape;
  /** The letter that is pressed with Alt. */
  key?: string;
  /** Of those that need not stay, the lowest rank goes to the menu first. Without one it stays in the bar. */
  rank?: number;
  /** `off`: a device that is off. `lit`: the others notice it, or something is open. */
  look?: "off" | "lit" | "danger";
  /** It shows and hides something: whether that is shown. */
  expanded?: boolean;
  /** What is unread. */
  count?: number;
  /** Also before the call has begun and while it is interrupted. */
  always?: boolean;
  act: () => void;
};

/** Always in the menu. */
export const IN_MENU = -1;

/** `places`: how many buttons fit, the menu's own among them. */
export function arrange(controls: readonly Control[], places: number): { bar: Control[]; menu: Control[] } {
  const moved = new Set(controls.filter(({ rank }) => rank === IN_MENU));
  const movable = controls
    .filter((control) => control.rank !== undefined && !moved.has(control))
    .sort((a, b) => a.rank! - b.rank!);
  const taken = () => controls.length - moved.size + (moved.size > 0 ? 1 : 0);
  for (const control of movable) {
    if (taken() <= places) break;
    moved.add(control);
  }
  return { bar: controls.filter((one) => !moved.has(one)), menu: controls.filter((one) => moved.has(one)) };
}
