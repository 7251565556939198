// What the build makes of emojibase's data: see `emoji` in vite.config.ts.

declare module "emojibase-data/*?names" {
  const groups: readonly (readonly string[])[];
  export default groups;
}
