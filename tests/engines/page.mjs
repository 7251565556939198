// What a tab shows of Parlor, and what a person does there. All selectors are here.

const SEEN_WITHIN = 90_000;
const FOUND = "data-found";

export const FIELD = "textarea#say";
export const LINK = "input[name=link]";
export const TEXT = "[role=log] .text";
/** What a log says of a message that it cannot read, or whose sender is in doubt. */
export const DOUBT = "[role=log] [role=alert], [role=log] .doubt";
const LOG = "[role=log]";
const LOCK = "header [title='End-to-end encrypted']";
const SENT = ".message.mine:has([data-state=sent])";

/** Of a call. */
export const ENTRANCE = { where: "header", name: /^(Join call|Call)/ };
export const DIALOG = "dialog[open]";
export const JOIN = { where: DIALOG, name: /^Join$/ };
export const CALL = ".stage[data-stage=on]";
export const FAILED = ".stage[data-stage=over]";
export const AGAIN = { where: FAILED, name: /^Join again$/ };
export const pictureOf = (id) => `${CALL} .tile[data-identity="${id}"] video`;

export const TRANSPORTS = ["ws", "sse", "long-poll"];

/** Looks until the page gives something for it; a page that is just going to another document is looked at again. */
export async function sees(tab, look, ...args) {
  const until = Date.now() + SEEN_WITHIN;
  let last;
  for (;;) {
    last = await tab.evaluate(look, ...args).catch((cause) => ({ cause }));
    if (last && !last.cause) return last;
    if (Date.now() > until)
      throw new Error(
        `not seen: ${look} with ${JSON.stringify(args)}\n${last?.cause ?? (await tab.evaluate(() => `${location.href}\n${document.body.innerText}`))}`,
      );
    await new Promise((then) => setTimeout(then, 50));
  }
}

/** A selector of the button within `where` whose accessible name matches. */
export async function button(tab, { where, name }) {
  await sees(
    tab,
    (where, source, mark) => {
      const name = new RegExp(source);
      const nameOf = (e) => (e.getAttribute("aria-label") ?? e.innerText ?? "").trim();
      const found = [...document.querySelectorAll(`${where} button`)].find((e) => name.test(nameOf(e)));
      for (const former of document.querySelectorAll(`[${mark}]`)) if (former !== found) former.removeAttribute(mark);
      found?.setAttribute(mark, "");
      return found !== undefined && !found.disabled;
    },
    where,
    name.source,
    FOUND,
  );
  return `[${FOUND}]`;
}

export async function press(tab, named) {
  await tab.click(await button(tab, named));
}

export const inRoom = (tab) =>
  sees(tab, (log, field) => document.querySelector(log) !== null && document.querySelector(field) !== null, LOG, FIELD);

export const shows = (tab, texts) =>
  sees(
    tab,
    (text, texts) => JSON.stringify([...document.querySelectorAll(text)].map((e) => e.innerText.trim())) === texts,
    TEXT,
    JSON.stringify(texts),
  );

export const heading = (tab, text) => sees(tab, (text) => document.querySelector("h1")?.innerText === text, text);

export const has = (tab, selector) => tab.evaluate((selector) => document.querySelector(selector) !== null, selector);

export const isThere = (tab, selector) => sees(tab, (selector) => document.querySelector(selector) !== null, selector);

export const isLocked = (tab) => isThere(tab, LOCK);

/** The member's public id, which is also its identity in a call. */
export const seat = (tab) =>
  tab.evaluate(
    () =>
      JSON.parse(Object.entries(sessionStorage).find(([key]) => key.startsWith("parlor.seat."))?.[1] ?? "null")
        ?.clientId,
  );

/** The transport by which it says that it is connected. */
export const goesBy = (tab, transport) =>
  sees(
    tab,
    (shown) => [...document.querySelectorAll("summary")].some((e) => e.textContent.trim() === shown),
    `Connection: ${transport}`,
  );

export async function enters(tab, room) {
  await tab.goto(room);
  await inRoom(tab);
}

export async function says(tab, text) {
  await tab.type(FIELD, `${text}\n`);
  await isSent(tab, text);
}

const isSent = (tab, text) =>
  sees(tab, (sent, text) => [...document.querySelectorAll(sent)].some((e) => e.innerText.includes(text)), SENT, text);

/** From the front page into the room, without a new document. */
export async function walksInto(tab, room) {
  await isThere(tab, LINK);
  await tab.type(LINK, `${room}\n`);
  await inRoom(tab);
}
