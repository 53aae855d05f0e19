import { availableParallelism } from 'node:os';
import { forkScript } from '../../testing/processes/forked.ts';
import { mean, sum } from '../../testing/statistics.ts';
import type { StageName, StageRequest, StageSpeed } from './stage.ts';

/**
 * The roofline: an upper limit of the throughput, in pairs per second. Decoding, vision model and text model are each
 * measured alone on all cores.
 */
export interface Roofline {
  decode: number;
  vision: number;
  text: number;
  /** 1 / (1 / decode + 1 / vision + 1 / text): the pairs per second without losses between the stages. */
  pairs: number;
  /** The CPU time in ms of a pair in all three stages. Other programs affect it less than the rates. */
  cpuMs: number;
  /** The time in ms of a single pair on an idle machine, one stage after another. */
  bareMs: number;
}

/** The environment of encoder processes (`models/encoder/process.ts`), for comparable results. */
const encoderEnv = { UV_THREADPOOL_SIZE: '4', MALLOC_ARENA_MAX: '2' };

/** Measures decoding, vision model and text model. @param seconds the duration for each. */
export async function measureRoofline(model: string, seconds: number, env: Record<string, string>): Promise<Roofline> {
  const cores = availableParallelism();
  const processes = await Promise.all(
    Array.from({ length: cores }, () => forkScript('bench/measure/stage.ts', [model], { ...env, ...encoderEnv })),
  );
  const run = (stage: StageName, members = processes) =>
    Promise.all(members.map((member) => member.ask<StageSpeed>({ stage, seconds } satisfies StageRequest)));
  try {
    const decode = await run('decode');
    const vision = await run('vision');
    const text = await run('text');
    const [bare] = await run('pair', processes.slice(0, 1));
    const stages = [decode, vision, text];
    return {
      decode: rateOf(decode),
      vision: rateOf(vision),
      text: rateOf(text),
      pairs: 1 / sum(stages.map((stage) => 1 / rateOf(stage))),
      cpuMs: sum(stages.map((stage) => mean(stage.map(({ cpuMs }) => cpuMs)))),
      bareMs: bare?.medianMs ?? 0,
    };
  } finally {
    await Promise.all(processes.map((member) => member.stop()));
  }
}

const rateOf = (speeds: readonly StageSpeed[]): number => sum(speeds.map(({ perSecond }) => perSecond));
