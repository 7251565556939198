import { expect, test } from "vitest";
import { withNumber } from "./badge";

const drawn = (unread: number, mentions?: number) =>
  decodeURIComponent(withNumber("<svg><path/></svg>", unread, mentions));

test("the number is drawn over the icon, up to 99", () => {
  expect(drawn(3)).toMatch(/^data:image\/svg\+xml,<svg><path\/><rect .*>3<\/text><\/svg>$/);
  expect(drawn(12)).toContain(">12</text>");
  expect(drawn(250)).toContain(">99</text>");
});

test("where some mention the person, those are counted, up to 9", () => {
  expect(drawn(12, 0)).toContain(">12</text>");
  expect(drawn(12, 2)).toContain(">@2</text>");
  expect(drawn(12, 10)).toContain(">@</text>");
});
