// Invites to a room: the host makes them, and takes them back.

import { FieldReader, parseJson } from "../protocol/frames";

/** Milliseconds. */
const ANSWER_TIMEOUT = 15_000;
export const USES_MAX = 1_000;

export type Invite = { id: string; expiresAt: number; left: number; name?: string };

export type InviteRequest = { minutes: number; uses: number; name?: string };

/** Why the request failed: the server's code, or "unconfirmed" where no answer came. */
export type Failed = { code: string; message: string };

export type Made = { invite: string; id: string; expiresAt: number; uses: number };

/** What the host's member of a room asks. The ticket may change: it is read for each request. */
export class Invites {
  readonly #path: string;
  readonly #ticket: () => string;

  constructor(room: string, ticket: () => string) {
    this.#path = `/api/rooms/${encodeURIComponent(room)}/invites`;
    this.#ticket = ticket;
  }

  async make(request: InviteRequest): Promise<Made | Failed> {
    return this.#ask("POST", "", request, (f) => {
      const invite = f.text("invite");
      return { invite, id: invite.split(".")[0]!, expiresAt: f.time("expiresAt"), uses: f.number("uses") };
    });
  }

  /** Those that still pass, the newest first. */
  async list(): Promise<Invite[] | Failed> {
    return this.#ask("GET", "", null, (f) => f.list<any>("invites").map(readInvite).reverse());
  }

  /** Null once it is revoked. */
  async revoke(id: string): Promise<Failed | null> {
    return this.#ask("DELETE", `/${encodeURIComponent(id)}`, null, () => null);
  }

  async #ask<T>(method: string, below: string, body: object | null, read: (f: FieldReader) => T): Promise<T | Failed> {
    try {
      const answer = await fetch(this.#path + below, {
        method,
        headers: {
          Authorization: `Bearer ${this.#ticket()}`,
          ...(body === null ? {} : { "Content-Type": "application/json" }),
        },
        body: body === null ? null : JSON.stringify(body),
        cache: "no-store",
        signal: AbortSignal.timeout(ANSWER_TIMEOUT),
      });
      const text = await answer.text();
      const f = new FieldReader(text === "" ? {} : parseJson(text), "invites");
      return answer.ok ? read(f) : { code: f.text("code"), message: f.maybeText("message") ?? "" };
    } catch {
      // No answer came, or one that is not the server's.
      return { code: "unconfirmed", message: "" };
    }
  }
}

function readInvite(f: FieldReader): Invite {
  const name = f.maybeText("name");
  return {
    id: f.text("id"),
    expiresAt: f.time("expiresAt"),
    left: f.number("left"),
    ...(name === null ? {} : { name }),
  };
}

/** The room's link, its key included, with an invite. */
export function withInvite(link: string, invite: string): string {
  const url = new URL(link);
  url.searchParams.set("invite", invite);
  return url.href;
}
