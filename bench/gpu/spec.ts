import { join } from 'node:path';
import type { ModelSpec } from '../../models/model.ts';
import { towerFile } from '../../models/registry/layouts.ts';
import { specOf } from '../../testing/model-folders.ts';
import { ensureBenchModels } from '../models.ts';
import type { StepOptions } from './step.ts';

/** The spec of a shape model, on the provider and at the precision that a step is asked for. */
export async function benchSpec({ model, provider, precision }: StepOptions): Promise<ModelSpec> {
  const folder = join(ensureBenchModels(), model.replace(/^shape-/, ''));
  return await specOf(folder, {
    provider,
    precision,
    visionPath: join(folder, towerFile('vision', precision)),
    textPath: join(folder, towerFile('text', precision)),
  });
}
