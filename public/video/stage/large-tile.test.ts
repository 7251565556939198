import { describe, expect, test } from "vitest";
import { largeTile, ordinaryLayout } from "./large-tile";

const face = (key: string, speaking = false) => ({ key, identity: key, mine: key === "me", screen: false, speaking });
const screen = (identity: string) => ({ ...face(identity), key: `${identity} screen`, screen: true });
const NOBODY = { pinned: null, layout: "focus", speaker: null, before: null } as const;

describe("the layout that nobody chose", () => {
  test("has one large of two people, also while one shows a screen", () => {
    expect(ordinaryLayout([face("me")])).toBe("grid");
    expect(ordinaryLayout([face("me"), face("ann")])).toBe("focus");
    expect(ordinaryLayout([face("me"), screen("me"), face("ann")])).toBe("focus");
    expect(ordinaryLayout([face("me"), face("ann"), face("ben")])).toBe("grid");
  });

  test("has another's screen large, not one's own", () => {
    expect(ordinaryLayout([face("me"), face("ann"), face("ben"), screen("ben")])).toBe("focus");
    expect(ordinaryLayout([face("me"), screen("me"), face("ann"), face("ben")])).toBe("grid");
  });
});

describe("the large tile", () => {
  const three = [face("me"), face("ann"), face("ben", true)];

  test("is the pinned one, in any layout, as long as it is there", () => {
    expect(largeTile(three, { ...NOBODY, pinned: "me" })).toBe("me");
    expect(largeTile(three, { ...NOBODY, layout: "grid", pinned: "ann" })).toBe("ann");
    expect(largeTile(three, { ...NOBODY, layout: "grid", pinned: "left" })).toBeNull();
    expect(largeTile(three, { ...NOBODY, pinned: "left" })).toBe("ben");
  });

  test("is another's screen before any face", () => {
    expect(largeTile([...three, screen("ann")], NOBODY)).toBe("ann screen");
    expect(largeTile([...three, screen("me")], NOBODY)).toBe("ben");
  });

  test("is who speaks, then who spoke last, then the first of the others", () => {
    expect(largeTile(three, NOBODY)).toBe("ben");
    const silent = [face("me", true), face("ann"), face("ben")];
    expect(largeTile(silent, { ...NOBODY, speaker: "ben" })).toBe("ben");
    expect(largeTile(silent, NOBODY)).toBe("ann");
  });

  test("stays while it speaks", () => {
    const both = [face("me"), face("ann", true), face("ben", true)];
    expect(largeTile(both, { ...NOBODY, before: "ben" })).toBe("ben");
    expect(largeTile(both, { ...NOBODY, before: "me" })).toBe("ann");
  });

  test("is missing for one alone, and one's own screen is large if there is nothing else", () => {
    expect(largeTile([face("me")], NOBODY)).toBeNull();
    expect(largeTile([face("me"), screen("me")], NOBODY)).toBe("me screen");
  });
});
