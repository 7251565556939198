import type { Control } from "../controls/toolbar";
import type { Tile } from "./tile";

/** What the window shows; it changes with the call. */
export type PopOutProps = {
  readonly tile: Tile | undefined;
  readonly name: string;
  readonly tint: number;
  readonly controls: readonly Control[];
  readonly acts: (control: Control) => boolean;
  readonly onkeydown: (event: KeyboardEvent) => void;
  readonly onkeyup: (event: KeyboardEvent) => void;
  readonly onblur: () => void;
};
