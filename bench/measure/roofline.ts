import { availableParallelism } from 'node:os';
import { forkScript } from '../../testing/processes/forked.ts';
import { mean, sum } from '../../testing/statistics.ts';
import type { StageName, StageRequest, StageSpeed } from './stage.ts';

/**
 * The roofline: an upper limit of the throughput, in pairs per second. Each stage of the evaluation (decoding, vision
 * tower, text tower) is measured alone, while all cores run only this stage.
 */
export interface Roofline {
  decode: number;
  vision: number;
  text: number;
  /**
   * 1 / (1 / decode + 1 / vision + 1 / text): the pairs per second that would be possible if there were no losses
   * between the stages.
   */
  pairs: number;
  /**
   * The CPU time in ms that a pair takes in all three stages together. Other programs on the machine affect it less
   * than they affect the rates.
   */
  cpuMs: number;
  /** The time in ms of a single pair on an idle machine that runs the three stages one after another. */
  bareMs: number;
}

/**
 * The environment variables of encoder processes (`models/encoder/process.ts`). They are set here too, so that the
 * results are comparable.
 */
const encoderEnv = { UV_THREADPOOL_SIZE: '4', MALLOC_ARENA_MAX: '2' };

/**
 * Measures the stages of a model (decoding, vision tower, text tower).
 * @param seconds the duration of the measurement of each stage.
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
