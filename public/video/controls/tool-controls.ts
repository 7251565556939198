// The controls that open the tools of a call.

import type { ToolTexts } from "../quality/tool-texts";

/** What the menu of a call opens beside its devices. */
const CALL_TOOLS = ["test", "stats", "saver"] as const;
export type CallTool = (typeof CALL_TOOLS)[number];

/** `shape` is the icon of that name. */
export type ToolControl = { id: CallTool; name: string; shape: CallTool; act: () => void };

export function toolControls(t: ToolTexts, open: (tool: CallTool) => void): ToolControl[] {
  return CALL_TOOLS.map((tool) => ({ id: tool, name: t[tool], shape: tool, act: () => open(tool) }));
}
