import { median } from '../../testing/statistics.ts';
import { createStages, type StageName } from './stages.ts';

/** How fast one process is at one stage, while others run the same beside it. */
export interface StageSpeed {
  /** Pairs a second. */
  perSecond: number;
  /** CPU milliseconds that a pair takes, on all threads. */
  cpuMs: number;
  /** Of one call, in milliseconds. */
  medianMs: number;
}

export interface StageRequest {
  stage: StageName;
  seconds: number;
}

/** One process of the stages that all cores run alone: `node bench/processes/stage.ts MODEL`. */
const stages = await createStages(process.argv[2] ?? '');

process.on('message', async ({ stage, seconds }: StageRequest) => {
  const step = stages[stage];
  // Warm first: the first runs allocate.
  for (let run = 0; run < 2; run++) await step();
  const cpu = process.cpuUsage();
  const start = performance.now();
  const times: number[] = [];
  let pairs = 0;
  while (performance.now() < start + seconds * 1000) {
    const begin = performance.now();
    pairs += await step();
    times.push(performance.now() - begin);
  }
  const { user, system } = process.cpuUsage(cpu);
  const speed: StageSpeed = {
    perSecond: (pairs / (performance.now() - start)) * 1000,
    cpuMs: (user + system) / 1000 / pairs,
    medianMs: median(times),
  };
  process.send?.(speed);
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
