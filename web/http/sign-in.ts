const key = 'sent-to-sign-in';
/** A page that is refused again so soon after its reload was not let in by it. */
const soonMs = 10_000;

/** The server shows its sign-in page at the address of this one to whoever is not signed in. */
export function signInAgain(): void {
  if (Date.now() - Number(sessionStorage.getItem(key) ?? 0) < soonMs) return;
  sessionStorage.setItem(key, String(Date.now()));
  location.reload();
}
