const key = 'sent-to-sign-in';
/** The page does not reload again within this time in ms after a reload, which has not helped then. */
const soonMs = 10_000;

/** Reloads the page, so that the server shows its sign-in page. */
export function signInAgain(): void {
  if (Date.now() - Number(sessionStorage.getItem(key) ?? 0) < soonMs) return;
  sessionStorage.setItem(key, String(Date.now()));
  location.reload();
}
