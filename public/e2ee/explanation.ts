// What is behind the title of a room's encryption, in a chunk with its texts.

import type { ExplanationTexts } from "../i18n/encryption/explanation";
import type { EncryptionState } from "./state";

export { EXPLANATION } from "../i18n/encryption/explanation";

export function explain(state: EncryptionState, https: boolean, texts: ExplanationTexts): string[] {
  const missing = https ? texts.needsBrowser : texts.needsHttps;
  const more = {
    sealed: [texts.notHidden],
    mixed: [texts.notHidden],
    keyless: [],
    plain: https ? [texts.byHttps] : [],
    insecure: missing,
    unusable: missing,
  }[state];
  return [...texts.states[state], ...more];
}
