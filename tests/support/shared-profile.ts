import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compactFolder, tinyClipFolder } from '../../testing/model-folders.ts';

/** A registry file for MODELS_FILE. */
export interface SharedProfile {
  path: string;
  remove(): void;
}

/**
 * Creates a registry file with a profile `shared` of three models. The models: the embedded one answers; `twin` gives the same scores; `altered`, of the same family, gives others; `tiny` is
 * of another family. One of them is a canary on half of the images, another one the shadow of the model that answers.
 */
export function createSharedProfile(
  canaryModel: 'twin' | 'altered' = 'twin',
  rules: { window?: { items: number }; promoteAfter?: number } = {},
): SharedProfile {
  const directory = mkdtempSync(join(tmpdir(), 'vls-shared-profile-'));
  const path = join(directory, 'models.json');
  const folder = (at: string) => ({ source: { type: 'folder', path: at } });
  const shared = {
    model: 'compact-1',
    // Times are noise where tests run at the same time.
    canary: { model: canaryModel, share: 0.5, compare: 1, guard: { latencyRatio: 1_000 }, ...rules },
    shadow: { model: canaryModel === 'twin' ? 'tiny' : 'twin', share: 1 },
  };
  const models = { twin: folder(compactFolder), altered: folder(alteredIn(directory)), tiny: folder(tinyClipFolder) };
  writeFileSync(path, JSON.stringify({ profiles: { shared }, models }));
  return { path, remove: () => rmSync(directory, { recursive: true }) };
}

/** Creates a registry file with a profile `altered` of its own for the model that gives other scores. */
export function createAlteredProfile(): SharedProfile {
  const directory = mkdtempSync(join(tmpdir(), 'vls-altered-profile-'));
  const path = join(directory, 'models.json');
  const models = { altered: { source: { type: 'folder', path: alteredIn(directory) } } };
  writeFileSync(path, JSON.stringify({ profiles: { altered: { model: 'altered' } }, models }));
  return { path, remove: () => rmSync(directory, { recursive: true }) };
}

/** Copies the embedded model into a directory with another mean, and without golden values, which it would not reproduce. */
function alteredIn(directory: string): string {
  const path = join(directory, 'altered');
  cpSync(compactFolder, path, { recursive: true, filter: (file) => !file.includes('golden') });
  const preprocessor = join(path, 'preprocessor_config.json');
  const config = JSON.parse(readFileSync(preprocessor, 'utf8'));
  writeFileSync(preprocessor, JSON.stringify({ ...config, image_mean: [0.9, 0.5, 0.1] }));
  return path;
}
