import { setTimeout as delay } from 'node:timers/promises';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import type { Stage } from '../../testing/attacks/stage.ts';
import { createClient, type SingleScore } from '../../testing/client.ts';
import { bearer } from '../../testing/key-file.ts';

const itemsOfBatch = 128;
const lanes = 2;
const batches = '/v1/evaluation/batch';
/** A batch that has not ended after so long has lost an item, in milliseconds. */
const longestMs = 600_000;
/** For one request of the tenant; then it asks again. */
const answerMs = 60_000;

/** The outcome of an item, as it must be in every run. */
const outcomeOf = (result: ItemResult) =>
  result.status === 'succeeded' ? result.cosine : result.status === 'failed' ? result.error.code : result.status;

/**
 * The ordinary tenant: posts the same batch again and again, and compares every outcome with that of a quiet run. What is
 * refused or not answered it sends again, with the same key.
 */
export async function createWork(stage: Stage) {
  const client = createClient(stage.base(), bearer(stage.keys.ordinary));
  const items = Array.from({ length: itemsOfBatch }, (_, n) => ({
    id: `i${n}`,
    image: `${stage.hosts.healthy}/${n % 17 === 5 ? 'missing' : 'small'}?n=${n}`,
    text: `a photo of thing number ${n % 40} on a table`,
  }));
  const body = JSON.stringify({ items });
  const faults: string[] = [];
  const singlesMs: number[] = [];
  const seen = { batches: 0, refusedBatches: 0, refusedSingles: 0, slowestMs: 0 };
  const open = new Map<string, string>();
  let number = 0;

  /** Asks until there is an answer that is not a refusal for the moment. */
  async function insist<Body>(path: string, init: RequestInit = {}, onRefused = () => {}): Promise<Body> {
    for (const until = performance.now() + longestMs; ; ) {
      const signal = AbortSignal.timeout(answerMs);
      const answer = await client.call<Body>(path, { ...init, signal }).catch(() => undefined);
      if (answer !== undefined && answer.status < 300) return answer.body;
      if (answer !== undefined && answer.status < 500 && answer.status !== 429)
        throw new Error(`${path} answers ${answer.status}: ${JSON.stringify(answer.body)}`);
      onRefused();
      if (!stage.isRunning()) throw new Error('The service has ended');
      if (performance.now() > until) throw new Error(`${path} was refused for ${longestMs / 1000} s`);
      await delay(500);
    }
  }

  async function runBatch(): Promise<ItemResult[]> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': `ordinary-${number++}` };
    const from = performance.now();
    const { id } = await insist<BatchStatus>(batches, { method: 'POST', body, headers }, () => seen.refusedBatches++);
    for (;;) {
      const { finishedAt, items: counts, state } = await insist<BatchStatus>(`${batches}/${id}`);
      open.set(id, `${state}, ${counts.pending} pending after ${((performance.now() - from) / 1000).toFixed(0)} s`);
      if (finishedAt !== null) break;
      if (performance.now() - from > longestMs)
        throw new Error(`Batch ${id} has not ended after ${longestMs / 1000} s: ${JSON.stringify(counts)}`);
      await delay(200);
    }
    open.delete(id);
    seen.slowestMs = Math.max(seen.slowestMs, performance.now() - from);
    const accept = { accept: 'application/x-ndjson' };
    const text = await insist<string>(`${batches}/${id}/results`, { headers: accept });
    await insist(`${batches}/${id}`, { method: 'DELETE' });
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as ItemResult);
  }

  function compare(results: readonly ItemResult[]): void {
    seen.batches++;
    const indexes = results.map(({ index }) => index);
    if (indexes.length !== itemsOfBatch || new Set(indexes).size !== itemsOfBatch)
      faults.push(`A batch has ${indexes.length} outcomes of ${new Set(indexes).size} items, and not ${itemsOfBatch}`);
    for (const result of results) {
      const wanted = expected.get(result.index);
      const found = outcomeOf(result);
      if (found !== wanted) faults.push(`Item ${result.index} is ${found} and not ${wanted}`);
    }
  }

  async function single(): Promise<void> {
    const at = Math.floor(performance.now()) % itemsOfBatch;
    const { image, text } = items[at] ?? { image: '', text: '' };
    const from = performance.now();
    const signal = AbortSignal.timeout(answerMs);
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify({ image, text }), signal };
    const answer = await client.call<SingleScore>('/v1/evaluation/single', init).catch(() => undefined);
    singlesMs.push(performance.now() - from);
    const wanted = expected.get(at);
    if (answer?.status === 200 && answer.body.cosine !== wanted)
      faults.push(`A single of item ${at} is ${answer.body.cosine} and not ${wanted}`);
    if (answer?.status !== 200 && typeof wanted === 'number') seen.refusedSingles++;
  }

  const expected = new Map((await runBatch()).map((result) => [result.index, outcomeOf(result)]));

  return {
    faults,
    singlesMs,
    summary: () =>
      `${seen.batches} batches as in the quiet run, the slowest ${(seen.slowestMs / 1000).toFixed(1)} s, refused ${seen.refusedBatches} times; ${seen.refusedSingles} of ${singlesMs.length} singles refused; ${faults.length} faults`,
    /** Batches that have not ended. */
    open: () => [...open].map(([id, state]) => `${id} ${state}`).join('; '),
    /** Works until it is over. The batches of that moment are waited for. */
    async until(isOver: () => boolean): Promise<void> {
      const lane = async (step: () => Promise<void>) => {
        while (!isOver()) {
          await step().catch((error: Error) => faults.push(error.message));
          await delay(250);
        }
      };
      const batch = async () => compare(await runBatch());
      await Promise.all([...Array.from({ length: lanes }, () => lane(batch)), lane(single)]);
    },
  };
}
