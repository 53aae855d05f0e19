import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../shared/config.ts';
import { ensureShapeModels } from '../testing/shape-models/build.ts';

/** A model for benchmarks, with the amounts of work that give stable results. */
export interface BenchModel {
  /** The name of the model in the registry of {@link writeRegistry}. */
  name: string;
  items: { full: number; quick: number };
  /** The duration in s for which each stage (decoding, vision model, text model) is measured alone. */
  stageSeconds: { full: number; quick: number };
  /** The targets that apply only to this model. */
  targets: { roofline?: number; overSingles?: number };
}

const amount = (items: [full: number, quick: number], seconds: [full: number, quick: number]) => ({
  items: { full: items[0], quick: items[1] },
  stageSeconds: { full: seconds[0], quick: seconds[1] },
});

export const benchModels = {
  compact: { name: 'compact-1', ...amount([1_500, 400], [4, 2]), targets: { roofline: 0.9, overSingles: 12 } },
  'vit-b-32': { name: 'shape-vit-b-32', ...amount([600, 200], [4, 2]), targets: { roofline: 0.95, overSingles: 7 } },
  'vit-b-32-int8': { name: 'shape-vit-b-32-int8', ...amount([1_500, 400], [4, 2]), targets: {} },
  'vit-l-14': { name: 'shape-vit-l-14', ...amount([64, 24], [10, 5]), targets: {} },
  tiny: { name: 'shape-tiny', ...amount([12_000, 4_000], [4, 2]), targets: {} },
} as const satisfies Record<string, BenchModel>;
export type BenchModelId = keyof typeof benchModels;

function benchDirectory(): string {
  const directory = join(readConfig().dataDir, 'bench');
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** Returns the folder of the shape models (random weights in the shapes of CLIP models). Builds missing ones. */
export const ensureBenchModels = (): string => ensureShapeModels(benchDirectory());

/**
 * Builds missing shape models, and writes a registry file with all of them.
 * @returns the environment variables of this registry.
 */
export function writeRegistry(): { MODELS_FILE: string } {
  const directory = benchDirectory();
  const folder = ensureBenchModels();
  const of = (name: string) => ({ source: { type: 'folder', path: join(folder, name) }, revision: 'shape' });
  const registry = {
    models: {
      // Micro-batch sizes and memory as in models.json for the real models of these shapes.
      'shape-vit-b-32': { ...of('vit-b-32'), memoryBytes: 900_000_000 },
      'shape-vit-b-32-int8': { ...of('vit-b-32'), precision: 'int8', memoryBytes: 900_000_000 },
      'shape-tiny': { ...of('tiny'), memoryBytes: 50_000_000 },
      'shape-vit-l-14': { ...of('vit-l-14'), memoryBytes: 2_600_000_000, microBatch: { images: 4, texts: 16 } },
    },
  };
  const file = join(directory, 'models.json');
  writeFileSync(file, JSON.stringify(registry, null, 2));
  return { MODELS_FILE: file };
}
