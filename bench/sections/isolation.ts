import { setTimeout as delay } from 'node:timers/promises';
import { forkScript } from '../../testing/processes/forked.ts';
import { treeMiBOf } from '../../testing/processes/usage.ts';
import { readable } from '../../testing/readable.ts';
import { mean, median } from '../../testing/statistics.ts';
import type { Figure } from '../figures.ts';

interface Measured {
  perSecond: number;
  mib: number;
}

/** What it costs that encoders are processes: two of them against two threads that run the same encoder. */
export async function benchIsolation(rounds: number, seconds: number, say: (line: string) => void): Promise<Figure[]> {
  const processes: Measured[] = [];
  const threads: Measured[] = [];
  for (let round = 0; round < rounds; round++) {
    // In turns, and each first as often as second: the machine may change its speed meanwhile.
    const inTurns = [
      async () => processes.push(await measure('process', seconds)),
      async () => threads.push(await measure('thread', seconds)),
    ];
    for (const turn of round % 2 === 0 ? inTurns : inTurns.reverse()) await turn();
    say(`isolation: processes ${speed(processes.at(-1))}, threads ${speed(threads.at(-1))} images/s`);
  }
  const rateOf = (measured: readonly Measured[]) => mean(measured.map(({ perSecond }) => perSecond));
  const memoryOf = (measured: readonly Measured[]) => median(measured.map(({ mib }) => mib));
  const each = (measured: readonly Measured[]) => measured.map(speed).join(', ');
  return [
    {
      id: 'isolation/rate',
      name: 'two encoder processes / two threads, images/s',
      value: rateOf(processes) / rateOf(threads),
      unit: '',
      detail: `processes ${each(processes)}; threads ${each(threads)}`,
    },
    {
      id: 'isolation/memory',
      name: 'two encoder processes / two threads, memory',
      value: memoryOf(processes) / memoryOf(threads),
      unit: '',
      detail: `${readable(memoryOf(processes))} of ${readable(memoryOf(threads))} MiB, the process that feeds them included`,
    },
  ];
}

async function measure(kind: 'process' | 'thread', seconds: number): Promise<Measured> {
  // Threads share libuv's: two encoders need the four of each.
  const env = { UV_THREADPOOL_SIZE: '8', MALLOC_ARENA_MAX: kind === 'thread' ? '4' : '2' };
  const harness = await forkScript('bench/isolation/harness.ts', [kind, '2', String(seconds), 'compact'], env);
  // The first runs allocate.
  await delay(1_000);
  const { perSecond } = await harness.ask<{ perSecond: number }>('go');
  const mib = treeMiBOf(harness.pid);
  await harness.stop();
  return { perSecond, mib };
}

const speed = (measured: Measured | undefined): string => readable(measured?.perSecond ?? 0);
