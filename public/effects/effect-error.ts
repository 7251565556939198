/** An effect could not be loaded or started. */
export class EffectError extends Error {
  override readonly name = "EffectError";
}
