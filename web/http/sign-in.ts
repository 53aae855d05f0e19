const key = 'sent-to-sign-in';
/** The time in ms after a reload in which the page does not reload again, because the reload has not helped. */
const soonMs = 10_000;

/** Reloads the page, so that the server shows its sign-in page. */
export function signInAgain(): void {
  if (Date.now() - Number(sessionStorage.getItem(key) ?? 0) < soonMs) return;
  sessionStorage.setItem(key, String(Date.now()));
  location.reload();
}
