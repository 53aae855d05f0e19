import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ModelSpec, Precision, Provider } from '../../models/model.ts';
import { towerFile } from '../../models/registry/layouts.ts';
import { specOf } from '../../testing/model-folders.ts';
import { ensureBenchModels } from '../models.ts';

/** The options of a measurement. A separate process limits a crash of the GPU driver to one measurement. */
export interface StepOptions {
  provider: Provider;
  precision: Precision;
  /** The name of a model in the registry file of `writeRegistry`. */
  model: string;
  seconds: number;
  /** The number of workers, including the one in the process of the API. */
  workers: number;
  pairs: number;
  sizes: number[];
}

export function stepOptions(): StepOptions {
  const option = (value: string) => ({ type: 'string', default: value }) as const;
  const { values } = parseArgs({
    options: {
      provider: option('cuda'),
      precision: option('fp16'),
      model: option('shape-vit-b-32'),
      seconds: option('2'),
      workers: option('1'),
      pairs: option('1000'),
      sizes: option('1,8,32,64,128'),
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

/** Returns the specification of a shape model, which has random weights in the shape of a CLIP model. */
export async function benchSpec({ model, provider, precision }: StepOptions): Promise<ModelSpec> {
  const folder = join(ensureBenchModels(), model.replace(/^shape-/, ''));
  return await specOf(folder, {
    provider,
    precision,
    visionPath: join(folder, towerFile('vision', precision)),
    textPath: join(folder, towerFile('text', precision)),
  });
}

/** Prints the results so far as one line. The last line counts if the process is killed. */
export function report(result: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

/** Rounds to four significant digits. Further digits differ from run to run. */
export const rounded = (value: number): number => Number(value.toPrecision(4));
