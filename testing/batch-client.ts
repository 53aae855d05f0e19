import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { ndjsonItems } from './ndjson-items.ts';

const pathOf = (base: string) => `${base}/evaluator/v1/evaluation/batch`;

/** Posts a batch as an NDJSON stream, again after each 503. Returns its id. */
export async function postBatch(base: string, items: number): Promise<string> {
  const headers = { 'content-type': 'application/x-ndjson' };
  for (;;) {
    const body = Readable.toWeb(Readable.from(ndjsonItems(items))) as ReadableStream;
    const posted = await fetch(pathOf(base), { method: 'POST', headers, body, duplex: 'half' } as RequestInit);
    if (posted.status === 202) return ((await posted.json()) as { id: string }).id;
    const problem = await posted.text();
    if (posted.status !== 503) throw new Error(`${posted.status}: ${problem}`);
    // On a busy machine an API may briefly refuse requests.
    await delay(1000 * Number(posted.headers.get('retry-after') ?? 1));
  }
}

/** Waits for the end of a batch. Returns the number of items with a score. */
export async function whenEnded(base: string, id: string, pollMs = 20): Promise<number> {
  for (;;) {
    const status = (await (await fetch(`${pathOf(base)}/${id}`)).json()) as {
      finishedAt: string | null;
      items: { succeeded: number };
    };
    if (status.finishedAt !== null) return status.items.succeeded;
    await delay(pollMs);
  }
}

/** Reads all results as NDJSON. @throws {Error} when their number is wrong. */
export async function readResults(base: string, id: string, items: number): Promise<void> {
  const results = await fetch(`${pathOf(base)}/${id}/results`, { headers: { accept: 'application/x-ndjson' } });
  let newlines = 0;
  for await (const part of results.body ?? []) for (const byte of part as Uint8Array) if (byte === 10) newlines++;
  if (newlines !== items) throw new Error(`${newlines} results for ${items} items`);
}

export async function forgetBatch(base: string, id: string): Promise<void> {
  await fetch(`${pathOf(base)}/${id}`, { method: 'DELETE' });
}
