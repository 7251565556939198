import { afterEach, expect, test, vi } from "vitest";
import { preloadParts } from "./loaders";

const noteVisit = vi.hoisted(() => vi.fn());
vi.mock("./kept", () => ({ noteVisit }));
vi.mock("./Landing.svelte", () => ({}));
vi.mock("./NamePrompt.svelte", () => ({}));
vi.mock("./RoomEnded.svelte", () => ({}));
vi.mock("./dialogs", () => ({}));
vi.mock("./Rename.svelte", () => ({}));
vi.mock("../e2ee/explanation", () => ({}));
vi.mock("../more/More.svelte", () => ({}));

afterEach(() => {
  vi.useRealTimers();
});

test("a visit is noted once in a minute and room, however many keys are pressed", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 60_000 });
  const act = async (at: number, href: string, times: number) => {
    vi.setSystemTime(at);
    vi.stubGlobal("location", { href });
    for (let i = 0; i < 5; i += 1) preloadParts();
    await vi.waitFor(() => expect(noteVisit).toHaveBeenCalledTimes(times));
  };
  await act(60_000, "http://localhost/r/a", 1);
  await act(119_999, "http://localhost/r/a", 1);
  await act(119_999, "http://localhost/r/b", 2);
  await act(120_000, "http://localhost/r/b", 3);
  expect(noteVisit).toHaveBeenLastCalledWith("http://localhost/r/b", 120_000);
  vi.unstubAllGlobals();
});
