import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compactFolder, tinyClipFolder } from '../../testing/model-folders.ts';

/** A registry file for MODELS_FILE whose profile `shared` is shared by three models. */
export interface SharedProfile {
  path: string;
  remove(): void;
}

/**
 * Beside the embedded model: `twin`, which gives the same scores, and `tiny`, which gives others. One of them is a canary
 * on half of the images, the other in the shadow of whoever answers.
 */
export function createSharedProfile(
  canaryModel: 'twin' | 'tiny' = 'twin',
  rules: { window?: { items: number }; promoteAfter?: number } = {},
): SharedProfile {
  const directory = mkdtempSync(join(tmpdir(), 'vls-shared-profile-'));
  const path = join(directory, 'models.json');
  const folder = (at: string) => ({ source: { type: 'folder', path: at } });
  const shared = {
    model: 'compact-1',
    // Times are noise where tests run beside each other.
    canary: { model: canaryModel, share: 0.5, compare: 1, guard: { latencyRatio: 1_000 }, ...rules },
    shadow: { model: canaryModel === 'twin' ? 'tiny' : 'twin', share: 1 },
  };
  const models = { twin: folder(compactFolder), tiny: folder(tinyClipFolder) };
  writeFileSync(path, JSON.stringify({ profiles: { shared }, models }));
  return { path, remove: () => rmSync(directory, { recursive: true }) };
}
