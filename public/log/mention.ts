// Whether a text names a member, and whether a message mentions the person at this page.

import type { Entry, Log } from "./state";

/**
 * Whether a text names this member: `@Ann`, not `@Anna` and not `joe@ann`. `@Ann Lee` names Ann Lee, where one of the
 * members is called that.
 */
export function names(text: string, user: string, members: readonly string[] = []): boolean {
  const plain = (of: string) => of.normalize("NFKC").toLowerCase();
  const [said, name] = [plain(text), `@${plain(user)}`];
  const longer = members
    .map((member) => `@${plain(member)}`)
    .filter((m) => m.length > name.length && m.startsWith(name));
  const isWord = (letter: string) => /[\p{L}\p{M}\p{N}_]/u.test(letter);
  const ends = (end: number) => !isWord([...said.slice(end)][0] ?? "");
  for (let at = said.indexOf(name); at >= 0; at = said.indexOf(name, at + 1)) {
    const before = [...said.slice(0, at)].at(-1) ?? "";
    if (isWord(before) || !ends(at + name.length)) continue;
    if (!longer.some((other) => said.startsWith(other, at) && ends(at + other.length))) return true;
  }
  return false;
}

const verdicts = new WeakMap<Entry, { user: string; is: boolean }>();

/** Whether a message mentions the person, by the name of now. Who else is called what counts when it is first asked. */
export function mentionsMe({ me, members }: Pick<Log, "me" | "members">, line: Entry): boolean {
  if (me === null || line.encryption === "undecryptable") return false;
  const { user } = me;
  const known = verdicts.get(line);
  if (known?.user === user) return known.is;
  const is = names(
    line.text,
    user,
    members.map((member) => member.user),
  );
  verdicts.set(line, { user, is });
  return is;
}
