import type { ResultsPage } from '../../shared/contracts/batch/results.ts';
import { type FormatName, formatNamed } from '../../shared/formats.ts';
import { fetchApi, fetchJson } from '../http/client.ts';

/** `escape` adds an apostrophe to cells that a spreadsheet would run as formulas, such as `=1+1`. `keep` does not. */
export type Formulas = 'escape' | 'keep';

/** The parameters of a request for results. */
type Query = Record<string, string | number>;

const pathOf = (id: string, query: Query): string => {
  const values = Object.entries(query).map(([name, value]) => [name, String(value)]);
  return `v1/evaluation/batch/${encodeURIComponent(id)}/results?${new URLSearchParams(values)}`;
};

/** Requests the results of a batch. The format is chosen by a header, which a link cannot send. */
export async function resultsOf(
  id: string,
  format: FormatName,
  query: Query = {},
  signal?: AbortSignal,
): Promise<Response> {
  return await fetchApi(pathOf(id, query), {
    headers: { accept: formatNamed(format).mediaTypes[0] },
    ...(signal !== undefined && { signal }),
  });
}

/** Returns the number of results that meet the conditions now. The service counts those of an ordered query. */
export async function countResults(id: string, conditions: Query): Promise<number | undefined> {
  return (await fetchJson<ResultsPage>(pathOf(id, { ...conditions, sort: 'index', limit: 1 }))).selected;
}

/**
 * Saves the results of a batch as a file. The browser keeps the data outside the memory of the page.
 * @param onAnswer called when the file begins to arrive.
 */
export async function saveResults(
  id: string,
  format: FormatName,
  name: string,
  query: Query,
  onAnswer: () => void,
): Promise<void> {
  const response = await resultsOf(id, format, query);
  onAnswer();
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
