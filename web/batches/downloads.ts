import { type FormatName, formatNamed } from '../../shared/formats.ts';
import { fetchApi } from '../http/client.ts';

/**
 * For cells that a spreadsheet would run, such as `=1+1`: `escape` adds an apostrophe, `keep` leaves them unchanged.
 */
export type Formulas = 'escape' | 'keep';

/** Requests the results of a batch. A link cannot do this, because a header chooses the format. */
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

/** Saves the results of a batch as a file. The browser keeps the data outside the memory of the page. */
export async function saveResults(
  id: string,
  format: FormatName,
  name: string,
  query: Record<string, string> = {},
): Promise<void> {
  const response = await resultsOf(id, format, query);
  save(await response.blob(), name);
}

export function saveText(text: string, name: string): void {
  save(new Blob([text]), name);
}

function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser starts reading the blob only after the current task, so the URL must still exist then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
