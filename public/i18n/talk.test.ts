import { expect, test } from "vitest";
import { TALK } from "./talk";

test("how often a reader was mentioned is one sentence in each language", () => {
  expect([1, 2].map(TALK.en.mentions)).toEqual(["1 mention of you: go to it", "2 mentions of you: go to the first"]);
  expect([1, 2, 21].map(TALK.ru.mentions)).toEqual([
    "Вас упомянули. Перейти",
    "Вас упомянули: 2. Перейти к первому",
    "Вас упомянули: 21. Перейти к первому",
  ]);
});
