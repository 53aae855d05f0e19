import { percentile, sum } from '../../testing/statistics.ts';

/** How long one stage took, over all its calls. */
export interface StageTimes {
  stage: string;
  calls: number;
  /** In milliseconds. */
  p50: number;
  p95: number;
  total: number;
}

/** Collects durations by stage. */
export interface Stopwatch {
  add(stage: string, milliseconds: number): void;
  /** Times a call, whether it succeeds or fails. */
  time<Value>(stage: string, work: () => Promise<Value>): Promise<Value>;
  clear(): void;
  /** In the order in which the stages first ended. */
  times(): StageTimes[];
}

export function createStopwatch(): Stopwatch {
  const durations = new Map<string, number[]>();
  const add = (stage: string, milliseconds: number) => {
    const known = durations.get(stage);
    if (known) known.push(milliseconds);
    else durations.set(stage, [milliseconds]);
  };
  return {
    add,
    async time(stage, work) {
      const start = performance.now();
      try {
        return await work();
      } finally {
        add(stage, performance.now() - start);
      }
    },
    clear: () => durations.clear(),
    times: () =>
      [...durations].map(([stage, values]) => ({
        stage,
        calls: values.length,
        p50: percentile(values, 0.5),
        p95: percentile(values, 0.95),
        total: sum(values),
      })),
  };
}
