const key = 'sent-to-sign-in';
/**
 * The time in ms after a reload of the page in which it is not reloaded again. If a request is refused within this
 * time, the reload has not helped.
 */
const soonMs = 10_000;

/** Reloads the page. The server then shows its sign-in page to a browser that is not signed in. */
export function signInAgain(): void {
  if (Date.now() - Number(sessionStorage.getItem(key) ?? 0) < soonMs) return;
  sessionStorage.setItem(key, String(Date.now()));
  location.reload();
}
