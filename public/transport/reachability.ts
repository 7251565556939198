// Whether the server answers at all.

const REACH_TIMEOUT = 5_000;

/** True only for the server's own answer, not a proxy's. */
export async function isReachable(): Promise<boolean> {
  const late = new AbortController();
  const timer = window.setTimeout(() => late.abort(), REACH_TIMEOUT);
  try {
    const response = await fetch("/healthz", { cache: "no-store", signal: late.signal });
    return response.ok && (await response.text()) === "ok\n";
  } catch {
    return false;
  } finally {
    window.clearTimeout(timer);
  }
}
