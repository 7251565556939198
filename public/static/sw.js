// The service worker: shows notifications, and says so where a page cannot be fetched. It keeps nothing: no page, no
// room, no message.

const TEXTS = {
  en: {
    title: "No connection",
    text: "Parlor can’t reach its server. Rooms live there: no messages are kept on this device, so there is nothing to show without a connection. This page opens by itself once you’re back.",
    again: "Try again",
  },
  ru: {
    title: "Нет связи",
    text: "Parlor не может связаться со своим сервером. Комнаты живут там: сообщения на этом устройстве не хранятся, и без связи показать нечего. Страница откроется сама, когда связь вернётся.",
    again: "Попробовать ещё раз",
  },
};

const STYLE = `
  :root { color-scheme: light dark; background: light-dark(#f4ede1, #181210); color: light-dark(#2a1f17, #f3e7d7) }
  body { display: grid; place-content: center; min-height: 100dvh; max-width: 30rem; margin: 0 auto;
    padding: 1.25rem; box-sizing: border-box; font: 16px/1.5 system-ui, sans-serif; text-align: center }
  h1 { margin: 0 0 0.6rem; font: 500 2rem Georgia, serif }
  p { margin: 0 0 1.4rem; color: light-dark(#69584a, #b8a48f) }
  button { min-height: 48px; padding: 0 1.4rem; border: 0; border-radius: 999px; font: inherit; font-weight: 600;
    background: light-dark(#97420f, #f2a74b); color: light-dark(#fff7ec, #2a1703); cursor: pointer }
`;

const SCRIPT = `
  addEventListener("online", () => location.reload());
  setInterval(() => fetch("/healthz").then(({ ok }) => ok && location.reload(), () => {}), 5000);
  document.querySelector("button").addEventListener("click", () => location.reload());
`;

addEventListener("install", () => self.skipWaiting());

addEventListener("activate", (event) => {
  // The document is asked for while the worker starts: the way through it takes no longer.
  event.waitUntil(self.registration.navigationPreload?.enable() ?? null);
});

addEventListener("fetch", (event) => {
  if (event.request.mode === "navigate") event.respondWith(page(event));
});

async function page(event) {
  try {
    return (await event.preloadResponse) ?? (await fetch(event.request));
  } catch {
    return offline();
  }
}

function offline() {
  const [language] = [...navigator.languages, "en"].map((tag) => tag.slice(0, 2).toLowerCase()).filter((l) => TEXTS[l]);
  const { title, text, again } = TEXTS[language];
  const nonce = crypto.randomUUID();
  const html = `<!doctype html><html lang="${language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title} · Parlor</title><style nonce="${nonce}">${STYLE}</style>
<main><h1>${title}</h1><p>${text}</p><button type="button">${again}</button></main>
<script nonce="${nonce}">${SCRIPT}</script></html>`;
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "content-security-policy": `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'`,
  };
  return new Response(html, { status: 503, headers });
}

// A tab asks what it is called here, or goes and leaves its notification to be closed.
addEventListener("message", (event) => {
  if (event.data === "who") event.ports[0]?.postMessage(event.source?.id ?? "");
  if (typeof event.data?.close === "string") event.waitUntil(close(event.data.close));
});

async function close(tag) {
  for (const notification of await self.registration.getNotifications({ tag })) notification.close();
}

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(show(event.notification.data?.client));
});

/** The tab that the notification came from. A room whose tab is closed is not entered again by a click. */
async function show(id) {
  const tab = id ? await clients.get(id) : undefined;
  await (tab ? tab.focus() : clients.openWindow("/"));
}
