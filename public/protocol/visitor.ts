// Who we are to this server, asked before anybody is asked for a name.

import { Fields } from "./frames";

export type Visitor = {
  accounts: "off" | "optional" | "required";
  /** The account's name of somebody who is logged in. */
  user: string | null;
};

/** Null where the server does not say: then everybody is a guest, and the door tells the rest. */
export async function askVisitor(): Promise<Visitor | null> {
  try {
    const answer = await fetch("/api/visitor", { cache: "no-store" });
    return answer.ok ? readVisitor(await answer.json()) : null;
  } catch {
    return null;
  }
}

export function readVisitor(json: unknown): Visitor {
  const f = new Fields(json, "visitor");
  const accounts = f.text("accounts");
  return { accounts: accounts === "optional" || accounts === "required" ? accounts : "off", user: f.maybeText("user") };
}

const ACCOUNT_ROUTES = ["login", "register", "account"] as const;
/** The views of the page that are about accounts. */
export type AccountRoute = (typeof ACCOUNT_ROUTES)[number];

export function accountRouteOf(path: string): AccountRoute | null {
  return ACCOUNT_ROUTES.find((route) => path === `/${route}`) ?? null;
}
