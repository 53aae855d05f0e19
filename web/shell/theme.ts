export type Theme = 'system' | 'light' | 'dark';

const key = 'theme';
const isTheme = (value: unknown): value is Theme => value === 'system' || value === 'light' || value === 'dark';

export function storedTheme(): Theme {
  const stored = localStorage.getItem(key);
  return isTheme(stored) ? stored : 'system';
}

/** Sent after a change of the theme, for canvases, to which CSS does not apply. */
export const themeChanged = 'themechanged';

export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  localStorage.setItem(key, theme);
  dispatchEvent(new Event(themeChanged));
}
