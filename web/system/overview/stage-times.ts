import type { MetricLine } from './metric-lines.ts';

/** The times of the two modes differ, because items of a batch wait for each other and single pairs do not. */
export const modes = ['single', 'batch'] as const;
export type Mode = (typeof modes)[number];

/** The mean duration of a stage of an evaluation (such as decoding) since the process started, for each mode. */
export interface StageTime {
  stage: string;
  modes: Partial<Record<Mode, { count: number; meanMs: number }>>;
}

const metric = 'vls_stage_duration_seconds';

/** The stages of an evaluation in the order in which they run, with their names for users. */
export const stageNames: Readonly<Record<string, string>> = {
  fetch: 'Download of the image',
  decode: 'Decoding of the image',
  queue_wait: 'Wait for an encoder',
  inference: 'Run of the model',
  commit: 'Storing the results',
};

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
