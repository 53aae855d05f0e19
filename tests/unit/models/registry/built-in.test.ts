import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { builtInFile, type HubEntry, isHubEntry, readEntries } from '../../../../models/registry/entries.ts';
import { filesOf, precisionsOf } from '../../../../models/registry/layouts.ts';
import { precisionFor } from '../../../../models/registry/precision.ts';

interface KnownFile {
  sha256?: string;
  bytes?: number;
  sources?: number;
}
const { repositories } = JSON.parse(
  await readFile(new URL('../../../golden/hub/repositories.json', import.meta.url), 'utf8'),
) as { repositories: Record<string, { revision: string; files: Record<string, KnownFile> }> };

const { models } = await readEntries({ dataDir: '/nowhere', modelsFile: undefined, model: undefined });
const builtIn = [...models.values()].filter(isHubEntry);

/** Lists the fields of an entry that were never compared with the repository. */
function unknownIn(entry: HubEntry): string[] {
  if (entry.unverified) return [];
  const faults: string[] = [];
  const files = precisionsOf(entry.source.layout).flatMap((precision) => filesOf(entry.source, precision));
  for (const { repo, revision, path, local } of files) {
    const at = `${entry.model}: ${path} of ${repo} at ${revision}`;
    const known = repositories[repo]?.revision === revision ? repositories[repo].files[path] : undefined;
    const pinned = entry.files[local];
    if (known === undefined) faults.push(`${at} is in no list`);
    else if (pinned !== undefined && pinned.sha256 !== known.sha256) faults.push(`${at} has another hash`);
    else if (pinned !== undefined && pinned.bytes !== known.bytes) faults.push(`${at} has another size`);
    else if (pinned !== undefined && known.sources === 1 && !pinned.unverified) faults.push(`${at} has one source`);
    else if (pinned === undefined && known.sha256 !== undefined) faults.push(`${at} is not pinned`);
  }
  return faults;
}

describe('a built-in model of a hub', () => {
  test('is there behind each of the profiles that promise CLIP', () => {
    const inProfiles = builtIn.filter(({ definedIn }) => definedIn === builtInFile);
    expect(inProfiles.map(({ model }) => model)).toEqual(['vit-b-32', 'vit-l-14']);
  });

  test.each(builtIn.map((entry) => [entry.model, entry] as const))(
    '%s names repository, revision, files and hashes that the list has, or says that it is unverified',
    (_model, entry) => {
      expect(unknownIn(entry)).toEqual([]);
    },
  );

  test.each([
    ['another revision', { source: { revision: 'e'.repeat(40) } }, 'is in no list'],
    ['another layout', { source: { layout: 'immich' as const } }, 'visual/model.onnx'],
    ['another hash', { files: { 'onnx/text_model.onnx': { sha256: 'f'.repeat(64) } } }, 'has another hash'],
  ])('with %s is found out', (_what, { source, files }: { source?: object; files?: HubEntry['files'] }, said) => {
    for (const entry of builtIn.filter(({ unverified }) => !unverified)) {
      const changed = { ...entry, source: { ...entry.source, ...source }, files: { ...entry.files, ...files } };
      expect(unknownIn(changed).join('\n')).toContain(said);
    }
  });

  test('is pinned to a commit, or marked as unverified', () => {
    for (const { model, revision, unverified } of builtIn) {
      if (!unverified) expect(revision, model).toMatch(/^[0-9a-f]{40}$/);
    }
  });

  test('states its licence, languages, size and the page of its publisher', () => {
    for (const { model, licence, languages, parameters, page, dimensions } of builtIn) {
      const stated = { licence, languages, parameters, page, dimensions };
      expect(
        Object.entries(stated).filter(([, value]) => value === undefined),
        model,
      ).toEqual([]);
    }
  });

  test('of the SigLIP families states the scale and bias of its sigmoid', () => {
    const siglips = builtIn.filter(({ model }) => model.startsWith('siglip'));
    expect(siglips).toHaveLength(5);
    for (const { model, logitScale, logitBias } of siglips) {
      expect(logitScale, model).toBeGreaterThan(100);
      expect(logitBias, model).toBeLessThan(-10);
    }
  });

  test('of SigLIP 2 keeps its texts in fp32 on a GPU', () => {
    const second = builtIn.filter(({ model }) => model.startsWith('siglip2'));
    expect(second.map((entry) => precisionFor(entry, 'fp16'))).toEqual(second.map(() => 'fp16+fp32'));
  });
});
