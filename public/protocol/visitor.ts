// Whether the server has accounts and who is logged in, asked before the page prompts for a name.

import { FieldReader } from "./frames";

export type Visitor = {
  accounts: "off" | "optional" | "required";
  /** The account's name while the visitor is logged in. */
  user: string | null;
};

/** Null without an answer: the visitor is then a guest, and joining reports what is wrong. */
export async function askVisitor(): Promise<Visitor | null> {
  try {
    const answer = await fetch("/api/visitor", { cache: "no-store" });
    return answer.ok ? readVisitor(await answer.json()) : null;
  } catch {
    return null;
  }
}

export function readVisitor(json: unknown): Visitor {
  const f = new FieldReader(json, "visitor");
  const accounts = f.text("accounts");
  return { accounts: accounts === "optional" || accounts === "required" ? accounts : "off", user: f.maybeText("user") };
}

const ACCOUNT_ROUTES = ["login", "register", "account"] as const;
/** The views of the page that are about accounts. */
export type AccountRoute = (typeof ACCOUNT_ROUTES)[number];

export function accountRouteOf(path: string): AccountRoute | null {
  return ACCOUNT_ROUTES.find((route) => path === `/${route}`) ?? null;
}
