import type { MetricLine } from './metric-lines.ts';

/** The modes of evaluation, whose times differ: items of a batch wait for each other, single pairs do not. */
export const modes = ['single', 'batch'] as const;
export type Mode = (typeof modes)[number];

/** The mean duration of a stage since the process started, for each mode in which the stage has run. */
export interface StageTime {
  stage: string;
  modes: Partial<Record<Mode, { count: number; meanMs: number }>>;
}

const metric = 'vls_stage_duration_seconds';

/** The stages in the order in which they run, in words. */
export const stageNames: Readonly<Record<string, string>> = {
  fetch: 'Download of the image',
  decode: 'Decoding of the image',
  queue_wait: 'Wait for an encoder',
  inference: 'Run of the model',
  commit: 'Storing the results',
};

/** Returns the mean durations of the stages, in the order in which the stages run. Stages that have not run are left out. */
export function stageTimesOf(lines: readonly MetricLine[]): StageTime[] {
  const figureOf = (part: 'sum' | 'count', stage: string, mode: Mode) =>
    lines.find(
      ({ name, labels }) => name === `${metric}_${part}` && labels['stage'] === stage && labels['mode'] === mode,
    )?.value ?? 0;
  return Object.keys(stageNames).flatMap((stage) => {
    const measured = modes.flatMap((mode) => {
      const count = figureOf('count', stage, mode);
      return count === 0 ? [] : [[mode, { count, meanMs: (figureOf('sum', stage, mode) / count) * 1_000 }] as const];
    });
    return measured.length === 0 ? [] : [{ stage, modes: Object.fromEntries(measured) }];
  });
}
