import { expect, test } from "vitest";
import { i18n } from "../i18n/i18n.svelte";
import { FILES, fileErrorText, messageErrorText } from "./texts";

test.each(["en", "ru"] as const)("a refusal names the way that is there: %s", async (language) => {
  await i18n.switch(language);
  for (const code of ["no_file", "file_incomplete"]) {
    expect(messageErrorText(code)).toMatch(/Put the message back|Верните сообщение/);
    expect(fileErrorText(code)).not.toMatch(/message|сообщение/);
  }
  for (const code of ["files_full", "no_such_code"]) expect(messageErrorText(code)).toBe(fileErrorText(code));
  expect(fileErrorText("no_such_code")).toBe(FILES[language].errors.refused);
});
