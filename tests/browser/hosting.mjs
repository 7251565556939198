// What the host of a room asks the server for, without the page's own controls.

import assert from "node:assert/strict";
import { storedSession } from "./people.mjs";

/** Of the room that the page is in: the answer to a request of its host. */
export async function asHost(page, request) {
  return ask(page, "POST", "host", request);
}

export async function makeInvite(page, wish = {}) {
  return ask(page, "POST", "invites", wish);
}

export async function revokeInvite(page, invite) {
  return ask(page, "DELETE", `invites/${invite.split(".")[0]}`, null);
}

async function ask(page, method, what, body) {
  const { ticket } = await storedSession(page);
  const { origin, pathname } = new URL(page.url());
  const answer = await fetch(`${origin}/api/rooms/${pathname.split("/r/")[1]}/${what}`, {
    method,
    headers: { authorization: `Bearer ${ticket}` },
    ...(body === null ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${what}: ${answer.status} ${text}`);
  return text === "" ? null : JSON.parse(text);
}

/** The link of a room, its key included, with an invite. */
export function withInvite(room, invite) {
  const url = new URL(room);
  url.searchParams.set("invite", invite);
  return url.href;
}
