import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const deploy = fileURLToPath(new URL('../../deploy', import.meta.url));

/** A copy of the example overlay that stands on another overlay, as its comment suggests. */
export function exampleOver(overlay: string): { directory: string; remove(): void } {
  const copy = mkdtempSync(join(tmpdir(), 'vls-overlay-'));
  for (const part of ['k8s', 'redis']) cpSync(join(deploy, part), join(copy, part), { recursive: true });
  const directory = join(copy, 'k8s/overlays/example');
  const path = join(directory, 'kustomization.yaml');
  const text = readFileSync(path, 'utf8');
  if (!text.includes('  - ../standard #')) throw new Error('The example names no overlay in the expected way');
  writeFileSync(path, text.replace('  - ../standard #', `  - ../${overlay} #`));
  return { directory, remove: () => rmSync(copy, { recursive: true, force: true }) };
}
