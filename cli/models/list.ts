import type { ModelEntry } from '../../models/registry/entries.ts';
import type { Config } from '../../shared/config.ts';
import { json, table } from '../output.ts';

export async function listModels(settings: Config, isJson: boolean, stdout: NodeJS.WriteStream): Promise<void> {
  const [{ loadRegistry }, { readEntries }, { precisionsIn }, { commitIn, readManifest }] = await Promise.all([
    import('../../models/registry/registry.ts'),
    import('../../models/registry/entries.ts'),
    import('../../models/registry/folder.ts'),
    import('../../models/pulling/manifest.ts'),
  ]);
  const listed = await (await loadRegistry(settings)).list({ catalogue: true });
  const { models } = await readEntries(settings);
  const rows = await Promise.all(
    listed.map(async ({ model, profiles, isDefault, description, revision, source, spec }) => {
      const entry = models.get(model);
      const manifest = entry === undefined ? undefined : await readManifest(entry.directory);
      const repo = entry?.source.type === 'huggingface' ? entry.source.repo : undefined;
      return {
        model,
        profiles,
        default: isDefault,
        state: spec instanceof Error ? 'absent' : 'here',
        precisions: entry === undefined ? [] : await precisionsIn(entry.directory),
        revision,
        commit: (manifest && repo && commitIn(manifest, repo)) ?? null,
        unverified: entry?.unverified ?? false,
        unproven: entry?.unproven ?? false,
        source,
        dimensions: spec instanceof Error ? (entry?.dimensions ?? null) : spec.dimensions,
        licence: entry?.licence ?? null,
        languages: entry?.languages ?? null,
        parameters: entry?.parameters ?? null,
        bytes: entry === undefined ? null : pinnedBytes(entry),
        goodMatch: entry?.goodMatch ?? null,
        page: entry?.page ?? null,
        description,
        detail: spec instanceof Error ? spec.message : null,
      };
    }),
  );
  if (isJson) return void stdout.write(json({ models: rows }));
  const heading = [
    'MODEL',
    'PROFILES',
    'STATE',
    'PRECISIONS',
    'SIZE',
    'LANGUAGES',
    'LICENCE',
    'MATCH SCORE',
    'SOURCE',
    'REVISION',
  ];
  stdout.write(
    table(stdout, [
      heading,
      ...rows.map((row) => [
        row.default ? `${row.model} (default)` : row.model,
        row.profiles.join(', ') || '-',
        row.state,
        row.precisions.join(', ') || '-',
        sizeOf(row),
        row.languages?.join(', ') ?? '-',
        row.licence ?? '-',
        row.goodMatch === null ? '-' : scoreOf(row.goodMatch.from),
        row.source,
        revisionInWords(row),
      ]),
    ]),
  );
}

/** Returns the score of a cosine, without the noise of the multiplication. */
const scoreOf = (cosine: number): string => String(Number((100 * cosine).toFixed(2)));

/** Formats the revision of a model, with the downloaded commit of a branch. Brackets name missing checks. */
function revisionInWords(row: { revision: string; commit: string | null; unverified: boolean; unproven: boolean }) {
  const { revision, commit, unverified, unproven } = row;
  const pulled = commit === null || commit === revision ? '' : ` = ${commit.slice(0, 12)}`;
  const marks = [...(unverified ? ['unverified'] : []), ...(unproven ? ['family not verified'] : [])];
  return `${revision.slice(0, 12)}${pulled}${marks.length === 0 ? '' : ` (${marks.join(', ')})`}`;
}

/** Returns the total size in bytes of the fp32 files; null when the registry lacks the size of one. */
function pinnedBytes({ files }: ModelEntry): number | null {
  const sizes = Object.entries(files)
    .filter(([file]) => !/_(fp16|quantized)\./.test(file))
    .map(([, { bytes }]) => bytes);
  return sizes.length > 0 && sizes.every((bytes) => bytes !== undefined)
    ? sizes.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0)
    : null;
}

/** Formats the fp32 size of a model: the size of its files if known, otherwise four bytes for each parameter. */
function sizeOf({ bytes, parameters }: { bytes: number | null; parameters: number | null }): string {
  if (bytes !== null) return gigabytes(bytes);
  return parameters === null ? '-' : `~${gigabytes(4 * parameters)}`;
}

export const gigabytes = (bytes: number): string =>
  bytes < 1_000_000_000 ? `${Math.ceil(bytes / 1_000_000)} MB` : `${(bytes / 1_000_000_000).toFixed(1)} GB`;
