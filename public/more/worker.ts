// The service worker as the page sees it: registered for an installed app, and for a person who wants notifications.

const WORKER = "/sw.js";

export async function registerWorker(): Promise<ServiceWorkerRegistration> {
  await navigator.serviceWorker.register(WORKER);
  return navigator.serviceWorker.ready;
}

/** Where notifications are off and nothing is installed no worker is left behind. */
export async function dropWorker(): Promise<void> {
  if (isInstalled()) return;
  const registration = await navigator.serviceWorker?.getRegistration("/");
  await registration?.unregister();
}

export function isInstalled(): boolean {
  return matchMedia("(display-mode: standalone)").matches;
}

/** Closes the notifications of this tag. */
export async function closeNotifications(tag: string): Promise<void> {
  const registration = await navigator.serviceWorker.getRegistration("/");
  for (const notification of (await registration?.getNotifications({ tag })) ?? []) notification.close();
}

/** The same by the worker, for a page that goes away: nothing that the page waits for would come. */
export function leaveToClose(worker: ServiceWorker, tag: string): void {
  worker.postMessage({ close: tag });
}

/** The worker's name for this tab, by which it finds it when a notification is clicked. */
export function askClientId(worker: ServiceWorker): Promise<string> {
  const { port1, port2 } = new MessageChannel();
  const told = new Promise<string>((then) => (port1.onmessage = ({ data }) => then(String(data))));
  worker.postMessage("who", [port2]);
  return told;
}
