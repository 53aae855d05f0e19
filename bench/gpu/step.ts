import { parseArgs } from 'node:util';
import type { Precision, Provider } from '../../models/model.ts';

/** What a step of the bench is asked for. A step is a process of its own: a driver that fails ends that step alone. */
export interface StepOptions {
  provider: Provider;
  precision: Precision;
  /** A name of `writeRegistry`. */
  model: string;
  /** Of each measurement. */
  seconds: number;
  /** Worker processes, the combined one counted in. */
  workers: number;
  pairs: number;
  sizes: number[];
}

export function stepOptions(): StepOptions {
  const { values } = parseArgs({
    options: {
      provider: { type: 'string', default: 'cuda' },
      precision: { type: 'string', default: 'fp16' },
      model: { type: 'string', default: 'shape-vit-b-32' },
      seconds: { type: 'string', default: '2' },
      workers: { type: 'string', default: '1' },
      pairs: { type: 'string', default: '1000' },
      sizes: { type: 'string', default: '1,8,32,64,128' },
    },
  });
  return {
    provider: values.provider as Provider,
    precision: values.precision as Precision,
    model: values.model,
    seconds: Number(values.seconds),
    workers: Number(values.workers),
    pairs: Number(values.pairs),
    sizes: values.sizes.split(',').map(Number),
  };
}

/** Prints what is known so far: the last line stands when the step is cut off. */
export function report(result: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

/** Three digits are more than a run repeats. */
export const rounded = (value: number): number => Number(value.toPrecision(4));
