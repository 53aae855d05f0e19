/** Form fields that take letters and digits. */
const fields = 'textarea, select, input:not([type=radio], [type=checkbox], [type=range])';

/** Returns true for a key that belongs to the page: no dialog is open, and the focus is not on a field that takes it. */
export function isPageKey({ target, key }: KeyboardEvent): boolean {
  if (document.querySelector('dialog[open]') !== null) return false;
  const field = (target as Element).closest(fields);
  // A select finds its options by their first letters.
  return field === null || (key === '/' && field.tagName === 'SELECT');
}
