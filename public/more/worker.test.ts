import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";

/** The worker's script, run with these as its globals. */
function run(registration: object) {
  const listeners = new Map<string, (event: object) => void>();
  const listen = (type: string, then: (event: object) => void) => listeners.set(type, then);
  const script = readFileSync("public/static/sw.js", "utf8");
  new Function("addEventListener", "self", script)(listen, { registration });
  return listeners;
}

test("the worker closes the notification of a tab that goes away, and stays awake until it has", async () => {
  const close = vi.fn();
  const getNotifications = vi.fn(async () => [{ close }]);
  const message = run({ getNotifications }).get("message")!;
  const waitUntil = vi.fn(async (work: Promise<void>) => work);
  message({ data: { close: "parlor-1" }, ports: [], waitUntil });
  await waitUntil.mock.calls[0]![0];
  expect(getNotifications).toHaveBeenCalledWith({ tag: "parlor-1" });
  expect(close).toHaveBeenCalledTimes(1);
  const port = { postMessage: vi.fn() };
  message({ data: "who", ports: [port], source: { id: "tab" }, waitUntil });
  expect(port.postMessage).toHaveBeenCalledWith("tab");
  for (const data of [null, {}, { close: 1 }]) message({ data, ports: [], waitUntil });
  expect(waitUntil).toHaveBeenCalledTimes(1);
});
