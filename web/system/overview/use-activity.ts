import { useEffect, useState } from 'preact/hooks';
import type { BatchList } from '../../../shared/contracts/batch/list.ts';
import type { Health } from '../../../shared/contracts/health.ts';
import { fetchApi, fetchJson } from '../../http/client.ts';
import { type Polled, usePolled } from '../../http/use-polled.ts';
import { addReading, metricPrefixes, type Reading, readingMs, readingOf } from './activity.ts';
import { type MetricLine, metricLines } from './metric-lines.ts';

export interface System {
  health: Health;
  /** The metrics of the process that answered; undefined unless the user is an operator. */
  lines: MetricLine[] | undefined;
  reading: Reading;
}

/** The readings of this page. They survive the view, so that its curves are complete when the user returns. */
let kept: readonly Reading[] = [];

/** Reads the state of the service every few seconds, and keeps the readings of the last minutes. */
export function useActivity(isOperator: boolean): { system: Polled<System>; history: readonly Reading[] } {
  const system = usePolled(
    `system ${isOperator}`,
    (signal) => readSystem(isOperator, signal),
    () => readingMs,
  );
  const [history, setHistory] = useState(kept);
  const reading = system.value?.reading;
  useEffect(() => {
    if (reading === undefined || kept.at(-1) === reading) return;
    kept = addReading(kept, reading);
    setHistory(kept);
  }, [reading]);
  return { system, history };
}

async function readSystem(isOperator: boolean, signal: AbortSignal): Promise<System> {
  const running = new URLSearchParams({ state: 'running', limit: '200', ...(isOperator && { tenant: '*' }) });
  const [health, batches, lines] = await Promise.all([
    fetchJson<Health>('health', { signal, accepted: [503] }),
    // If Redis is unavailable, the service has no list of batches.
    fetchJson<BatchList>(`v1/evaluation/batch?${running}`, { signal }).catch(() => null),
    isOperator ? readMetrics(signal).catch(() => undefined) : undefined,
  ]);
  return { health, lines, reading: readingOf(Date.now(), health, batches?.batches ?? null, lines) };
}

const readMetrics = async (signal: AbortSignal): Promise<MetricLine[]> =>
  metricLines(await (await fetchApi('metrics', { signal })).text(), metricPrefixes);
