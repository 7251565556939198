// The number of unread messages on the icon of the tab, and of the app where it is installed.

const MOST = 99;

/** What fits beside an `@`. */
const MOST_MENTIONS = 9;

/** The page's own icon with a number on it: how many are unread or, where some of them mention the person, `@` and those. */
export function withNumber(svg: string, unread: number, mentions = 0): string {
  const text = mentions > 0 ? `@${mentions > MOST_MENTIONS ? "" : mentions}` : String(Math.min(unread, MOST));
  const size = text.length === 1 ? 20 : 17;
  const badge =
    `<rect x="8" y="9" width="24" height="23" rx="9" fill="#c2261b"/>` +
    `<text x="20" y="27" fill="#fff" font-family="sans-serif" font-weight="700" font-size="${size}" text-anchor="middle">${text}</text>`;
  return `data:image/svg+xml,${encodeURIComponent(svg.replace("</svg>", `${badge}</svg>`))}`;
}

let svg: Promise<string> | null = null;
let shown = "";

/** Zero takes it away. */
export async function showBadge(unread: number, mentions = 0): Promise<void> {
  const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  const own = "/favicon.svg";
  const wanted = `${unread} ${mentions}`;
  shown = wanted;
  const app = unread > 0 ? navigator.setAppBadge?.(unread) : navigator.clearAppBadge?.();
  app?.catch(() => {});
  if (unread === 0) return void icon?.setAttribute("href", own);
  svg ??= fetch(own).then((answer) => answer.text());
  const drawn = await svg.catch(() => ((svg = null), null));
  if (drawn !== null && shown === wanted) icon?.setAttribute("href", withNumber(drawn, unread, mentions));
}
