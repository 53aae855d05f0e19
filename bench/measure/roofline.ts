import { availableParallelism } from 'node:os';
import { forkScript } from '../../testing/processes/forked.ts';
import { mean, sum } from '../../testing/statistics.ts';
import type { StageName, StageRequest, StageSpeed } from './stage.ts';

/** What the machine does of one stage when every core runs that stage and nothing else, in pairs a second. */
export interface Roofline {
  decode: number;
  vision: number;
  text: number;
  /** 1 / (1 / decode + 1 / vision + 1 / text): pairs a second if no time were lost between the stages. */
  pairs: number;
  /** CPU milliseconds of a pair, over the three stages. Steadier than rates where other programs share the cores. */
  cpuMs: number;
  /** A single pair on an idle machine, one stage after the other, in milliseconds. */
  bareMs: number;
}

/** As `models/encoder/process.ts` starts its encoders, so that the two are comparable. */
const encoderEnv = { UV_THREADPOOL_SIZE: '4', MALLOC_ARENA_MAX: '2' };

/**
 * Measures the stages of a model.
 * @param seconds of each stage.
 */
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
