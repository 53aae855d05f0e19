import { type FormatName, formatNamed } from '../../shared/formats.ts';
import { fetchApi } from '../http/client.ts';
import { type CsvRow, createCsvReader } from './csv.ts';
import { countResultColumns, readResultColumns } from './result-columns.ts';

/** Escapes cells that a spreadsheet would run, such as `=1+1`, or leaves them as they were sent. */
export type Formulas = 'escape' | 'keep';

/** Requests results. A link cannot do it: the format is chosen by a header. */
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
export async function downloadResults(
  id: string,
  format: FormatName,
  query: Record<string, string> = {},
): Promise<void> {
  const response = await resultsOf(id, format, query);
  save(
    await response.blob(),
    `batch-${id}${query['status'] === undefined ? '' : `-${query['status']}`}.${formatNamed(format).endings[0]}`,
  );
}

/** Saves the header and the unchanged rows whose score reaches the threshold. */
export async function downloadPassing(id: string, threshold: number, formulas: Formulas): Promise<void> {
  const response = await resultsOf(id, 'csv', { status: 'succeeded', formulas });
  const rows = response.body?.pipeThrough(new TextDecoderStream()).pipeThrough(passingRows(threshold));
  const blob = await new Response(rows?.pipeThrough(new TextEncoderStream()) ?? '', {
    headers: { 'content-type': formatNamed('csv').mediaTypes[0] },
  }).blob();
  save(blob, `batch-${id}-from-${threshold}.csv`);
}

function passingRows(threshold: number): TransformStream<string, string> {
  const reader = createCsvReader();
  let own = 0;
  const keep = (rows: CsvRow[]): string =>
    rows
      .filter((row) => {
        if (own > 0) return Number(readResultColumns(row, own).cosine) * 100 >= threshold - 1e-6;
        own = countResultColumns(row);
        return true;
      })
      .map(({ raw }) => `${raw}\n`)
      .join('');
  return new TransformStream({
    transform: (text, controller) => controller.enqueue(keep(reader.push(text))),
    flush: (controller) => controller.enqueue(keep(reader.end())),
  });
}

function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser starts to read the blob only after this turn of the event loop.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
