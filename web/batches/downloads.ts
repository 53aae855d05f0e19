import { type FormatName, formatNamed } from '../../shared/formats.ts';
import { fetchApi } from '../http/client.ts';

/**
 * The treatment of cells that a spreadsheet would run as formulas, such as `=1+1`: escaped with an apostrophe, or left
 * as they were sent.
 */
export type Formulas = 'escape' | 'keep';

/** Requests results. A link would not be enough, because a header chooses the format. */
export async function resultsOf(
  id: string,
  format: FormatName,
  query: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  const path = `v1/evaluation/batch/${encodeURIComponent(id)}/results?${new URLSearchParams(query)}`;
  return await fetchApi(path, {
    headers: { accept: formatNamed(format).mediaTypes[0] },
    ...(signal !== undefined && { signal }),
  });
}

/** Saves results as a file. The browser holds the blob outside the page's memory, and a large one on the disk. */
export async function saveResults(
  id: string,
  format: FormatName,
  name: string,
  query: Record<string, string> = {},
): Promise<void> {
  const response = await resultsOf(id, format, query);
  save(await response.blob(), name);
}

/** Saves a text as a file. */
export function saveText(text: string, name: string): void {
  save(new Blob([text]), name);
}

function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser starts to read the blob only after this turn of the event loop.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
