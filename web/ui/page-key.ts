/** Returns true for a key that belongs to the page: no dialog is open, and no field has the focus. */
export function isPageKey({ target }: KeyboardEvent): boolean {
  if (document.querySelector('dialog[open]') !== null) return false;
  return !/^(INPUT|SELECT|TEXTAREA)$/.test((target as Element).tagName);
}
