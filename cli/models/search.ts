import type { FoundRepo } from '../../models/pulling/hub.ts';
import type { ModelEntry } from '../../models/registry/entries.ts';
import { called, modelFlags } from '../../shared/called.ts';
import type { Config } from '../../shared/config.ts';
import { openHub } from '../hub.ts';
import { json, styled, type Terminal, table } from '../output.ts';

export async function searchModels(
  word: string,
  settings: Config,
  { stdout, stderr, json: isJson = false }: Terminal & { json?: boolean },
): Promise<void> {
  const [{ readEntries }, { patience, persist }, { PullError }] = await Promise.all([
    import('../../models/registry/entries.ts'),
    import('../../models/pulling/persist.ts'),
    import('../../models/pulling/pull-error.ts'),
  ]);
  const entries = [...(await readEntries(settings)).models.values()].filter((entry) => matches(entry, word));
  const hub = await openHub(settings);
  let found: FoundRepo[] | undefined;
  let fault: string | undefined;
  try {
    // Only two attempts, because the user waits, and the matches of the registry can be shown anyway.
    found = await persist({ ...patience, attempts: 2, onRetry: () => {} }, (signal) => hub.search(word, signal));
    if (found === undefined) fault = `${hub.name} cannot be searched`;
  } catch (error) {
    if (!(error instanceof PullError)) throw error;
    fault = `${error.message}. ${error.advice}`;
  }
  // The hub was not searched, so the model may exist there.
  if (fault !== undefined && entries.length === 0) process.exitCode = 1;
  if (isJson) {
    const models = entries.map(({ model, source, description, licence, unverified, unproven }) => ({
      model,
      source: source.type === 'folder' ? source.path : source.repo,
      description: description ?? null,
      licence: licence ?? null,
      unverified: unverified ?? false,
      unproven: unproven ?? false,
    }));
    return void stdout.write(json({ models, repositories: found ?? null, fault: fault ?? null }));
  }
  const rows = [
    ...entries.map((entry) => [entry.model, placeOf(entry), entry.licence ?? '-', '-', entry.pullCommand ?? '-']),
    ...(found ?? []).map(({ repo, licence, downloads }) => [
      repo,
      'hub',
      licence ?? '-',
      downloads?.toLocaleString('en') ?? '-',
      `${called} models add hf:${repo}${modelFlags(settings)}`,
    ]),
  ];
  if (rows.length > 0) stdout.write(table(stdout, [['NAME', 'WHERE', 'LICENCE', 'DOWNLOADS', 'COMMAND'], ...rows]));
  else if (fault === undefined)
    stdout.write(`Neither the registry nor ${hub.name} has a model with ${word} in its name\n`);
  if (fault !== undefined) stderr.write(`${styled(stderr, 'yellow', 'warning')} The hub was not searched: ${fault}\n`);
}

const placeOf = ({ unverified, unproven }: ModelEntry): string => {
  const marks = [...(unverified ? ['unverified'] : []), ...(unproven ? ['family not verified'] : [])];
  return marks.length === 0 ? 'registry' : `registry (${marks.join(', ')})`;
};

function matches({ model, description, family, source }: ModelEntry, word: string): boolean {
  const place = source.type === 'folder' ? source.path : source.repo;
  return [model, description, family, place].some((text) => text?.toLowerCase().includes(word.toLowerCase()));
}
