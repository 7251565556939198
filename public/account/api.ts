// The account requests, and the password rule that the page checks before it sends one.

import { FieldReader, parseJson } from "../protocol/frames";
import { utf8Length } from "../protocol/text";

/** Longer than the server's queue for password hashing lets a request wait. */
const ANSWER_TIMEOUT = 60_000;

export const PASSWORD_MIN = 8;
export const PASSWORD_MAX = 72;

/** Why the request failed: the server's error code, or "unreachable". */
export type ApiError = { code: string; retryAfter: number | null };

const UNREACHABLE: ApiError = { code: "unreachable", retryAfter: null };

/** Null when it succeeded. */
async function call(method: "POST" | "DELETE", path: string, body: object): Promise<ApiError | null> {
  const late = new AbortController();
  const timer = window.setTimeout(() => late.abort(), ANSWER_TIMEOUT);
  try {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(path, {
      method,
      headers,
      body: JSON.stringify(body),
      cache: "no-store",
      signal: late.signal,
    });
    if (answer.ok) return null;
    const f = new FieldReader(parseJson(await answer.text()), "problem");
    return { code: f.text("code"), retryAfter: f.maybeNumber("retryAfter") };
  } catch {
    // No answer came, or one from a proxy that is not the server's JSON.
    return UNREACHABLE;
  } finally {
    window.clearTimeout(timer);
  }
}

export function logIn(user: string, password: string): Promise<ApiError | null> {
  return call("POST", "/login", { user, password });
}

/** Creates the account; it does not log in. */
export function register(user: string, password: string): Promise<ApiError | null> {
  return call("POST", "/register", { user, password });
}

export function logOut(everywhere: boolean): Promise<ApiError | null> {
  return call("POST", "/logout", { everywhere });
}

export function changePassword(password: string, newPassword: string): Promise<ApiError | null> {
  return call("POST", "/me/password", { password, newPassword });
}

export function deleteAccount(password: string): Promise<ApiError | null> {
  return call("DELETE", "/me", { password });
}

export function isPassword(given: string): boolean {
  const bytes = utf8Length(given);
  return bytes >= PASSWORD_MIN && bytes <= PASSWORD_MAX && !given.includes("\0");
}
