// What is said between the messages of a new host and of new rules.

import { isolateName } from "../log/display-text";
import type { Log, Notice, RuleChange } from "../log/state";
import { i18n } from "../i18n/i18n.svelte";
import { HOST } from "./texts";
import { titleOf } from "./title";

/** Empty where nothing changed that can be told. */
export function hostNotice(
  { what, user, from, at, change }: Notice,
  { me, limits }: Pick<Log, "me" | "limits">,
): string {
  const t = HOST[i18n.language];
  if (what === "host") return from === me?.clientId ? t.youAreHost : t.isHost(isolateName(user));
  return change ? tell(change, limits?.historyAge ?? 0, at).join(" · ") : "";
}

function tell({ before, after, muted, unmuted }: RuleChange, historyAge: number, at: number): string[] {
  const t = HOST[i18n.language].changes;
  const told: string[] = [];
  const title = titleOf(after);
  if (after.lock && after.lock !== (before.lock ?? "open")) told.push(t[after.lock]);
  if (after.inviteOnly !== before.inviteOnly) told.push(after.inviteOnly ? t.inviteOnly : t.noInvite);
  if (after.history !== (before.history ?? "all"))
    told.push(after.history === "since_join" ? t.sinceJoin : t.allHistory);
  if (title !== titleOf(before)) told.push(title === "" ? t.noTitle : t.title(isolateName(title)));
  if (after.endsAt !== before.endsAt)
    told.push(after.endsAt === undefined ? t.endless : t.ends(momentText(Date.parse(after.endsAt), at)));
  if (after.messageAge !== before.messageAge) told.push(t.age(i18n.duration(after.messageAge ?? historyAge)));
  const list = (users: readonly string[]) => i18n.list(users.map(isolateName));
  if (muted.length > 0) told.push(t.muted(list(muted)));
  if (unmuted.length > 0) told.push(t.unmuted(list(unmuted)));
  return told;
}

/** The time of day, and the day where it is another. */
export function momentText(at: number, now: number): string {
  const [day, time] = [i18n.day(at, now), i18n.time(at)];
  return day === i18n.texts.today ? time : `${day}, ${time}`;
}
