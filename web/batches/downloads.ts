import { type FormatName, formatNamed } from '../../shared/formats.ts';
import { fetchApi } from '../http/client.ts';

/** `escape` adds an apostrophe to cells that a spreadsheet would run as formulas, such as `=1+1`. `keep` does not. */
export type Formulas = 'escape' | 'keep';

/** Requests the results of a batch. The format is chosen by a header, which a link cannot send. */
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
  // The browser starts reading the blob only after the current task. Until then, the URL must exist.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
