import { setTimeout as delay } from 'node:timers/promises';
import type { BatchStatus } from '../shared/contracts/batch/status.ts';
import type { ServiceClient } from './client.ts';
import { failureOf } from './failures.ts';

type Counts = Pick<BatchStatus, 'items'>;

export type BatchEvent =
  | { event: 'state'; data: Partial<BatchStatus> }
  | { event: 'reset'; data: BatchStatus }
  | { event: 'progress'; data: Counts }
  | { event: 'failure'; data: { index: number; id?: string; code: string; message: string } }
  | { event: 'end'; data: BatchStatus };

export interface SentEvent {
  id: string;
  event: string;
  data: string;
}

/** The maximum time in ms without the service. A restart takes less. */
const patienceMs = 60_000;
/** The time in ms between two attempts to reconnect. */
const retryMs = 1_000;

/**
 * Yields the events of a batch until it ends. It reconnects after a broken connection without repeating an event.
 * @throws {CommandError} `service.unreachable` after a minute without the service; the error code of the response when
 * the service refuses the request.
 */
export async function* followBatch(
  client: ServiceClient,
  id: string,
  { signal, onLost }: { signal?: AbortSignal | undefined; onLost?: (reason: string) => void } = {},
): AsyncGenerator<BatchEvent> {
  let lastId: string | undefined;
  let lostAt: number | undefined;
  let lastReason: string | undefined;
  for (;;) {
    try {
      const response = await client.open(`/v1/evaluation/batch/${encodeURIComponent(id)}/events`, {
        headers: { accept: 'text/event-stream', ...(lastId !== undefined && { 'last-event-id': lastId }) },
        signal,
      });
      if (response.body === null || response.status === 204) return;
      lostAt = undefined;
      lastReason = undefined;
      for await (const sent of readEvents(response.body)) {
        lastId = sent.id;
        const event = { event: sent.event, data: JSON.parse(sent.data) } as BatchEvent;
        yield event;
        if (event.event === 'end') return;
      }
    } catch (thrown) {
      signal?.throwIfAborted();
      const error = thrown instanceof TypeError ? client.unreachable(thrown) : thrown;
      if (failureOf(error).code !== 'service.unreachable') throw error;
      lostAt ??= performance.now();
      if (performance.now() - lostAt > patienceMs) throw error;
      const { message } = failureOf(error);
      if (message !== lastReason) onLost?.(message);
      lastReason = message;
    }
    await delay(retryMs, undefined, { ...(signal && { signal }) });
  }
}

export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<SentEvent> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const part of body) {
    text += decoder.decode(part, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const event: SentEvent = { id: '', event: '', data: '' };
      for (const line of block.split('\n')) {
        const [, field, value = ''] = /^(id|event|data): ?(.*)$/s.exec(line) ?? [];
        if (field === 'id' || field === 'event' || field === 'data') event[field] = value;
      }
      if (event.event !== '') yield event;
    }
  }
}
