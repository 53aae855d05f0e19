/** The names of batches that this browser posted. The service knows only their ids. */
const key = 'batch-names';
const maxNames = 200;

function read(): [id: string, name: string][] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(key) ?? '[]');
    return Array.isArray(stored) ? stored : [];
  } catch {
    return [];
  }
}

export const nameOfBatch = (id: string): string | undefined => read().find(([known]) => known === id)?.[1];

export function rememberName(id: string, name: string): void {
  localStorage.setItem(key, JSON.stringify([[id, name], ...read()].slice(0, maxNames)));
}
