import type { HubEntry } from '../registry/entries.ts';
import type { LayoutFile } from '../registry/layouts.ts';
import type { Expected } from './download.ts';
import { type FileFacts, type Hub, nameOf } from './hub.ts';
import type { ManifestEntry } from './manifest.ts';
import { type Patience, persist, type Retry } from './persist.ts';
import { PullError } from './pull-error.ts';

export interface Planned {
  file: LayoutFile;
  facts: FileFacts;
  expected: Expected;
  checkedAgainst: ManifestEntry['checkedAgainst'];
  /** True when only one source has stated the hash in the registry. */
  isUnverified: boolean;
}

export interface PlanOptions extends Patience {
  hub: Hub;
  unverified?: boolean | undefined;
  signal?: AbortSignal | undefined;
  onRetry(retry: Retry): void;
}

export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);

/**
 * @throws {PullError} when the request fails, when the hub contradicts the registry, or when neither a hash nor a
 * commit is known.
 */
export async function plan(entry: HubEntry, file: LayoutFile, options: PlanOptions): Promise<Planned> {
  const { hub } = options;
  const facts = await persist(options, (signal) => hub.facts(file, signal));
  const fault = disagreement(entry, file, facts, hub);
  if (fault !== undefined) throw fault;
  const pinned = entry.files[file.local];
  const sha256 = pinned?.sha256 ?? facts.sha256;
  const isStated = sha256 !== undefined || facts.gitBlob !== undefined;
  if (!isStated && facts.commit === undefined && hub.kind === 'http' && !options.unverified) {
    throw new PullError(
      'unverified',
      `${hub.name} states neither hash nor commit of ${nameOf(file)}, so it is probably not a hub`,
      'Check HF_ENDPOINT. If you trust this mirror, `--unverified` accepts its files.',
    );
  }
  return {
    file,
    facts,
    expected: { bytes: pinned?.bytes ?? facts.bytes, sha256, gitBlob: facts.gitBlob },
    checkedAgainst: pinned !== undefined ? 'registry' : isStated ? 'hub' : 'nothing',
    isUnverified: pinned?.unverified ?? false,
  };
}

/** Returns an error when the hub contradicts the registry entry; otherwise undefined. */
export function disagreement(
  entry: HubEntry,
  file: LayoutFile,
  facts: FileFacts,
  hub: Pick<Hub, 'name'>,
): PullError | undefined {
  if (isCommit(file.revision) && facts.commit !== undefined && facts.commit !== file.revision) {
    return new PullError(
      'wrong_commit',
      `${hub.name} serves ${nameOf(file)} from the commit ${facts.commit} instead of ${file.revision}`,
      'The hub or mirror ignores revisions; set HF_ENDPOINT to another one.',
    );
  }
  const pinned = entry.files[file.local];
  if (pinned === undefined) return undefined;
  const advice = `Nothing was downloaded. Correct the files or the revision of models.${entry.model} in ${entry.definedIn}.`;
  const source = pinned.unverified ? ' (from one source only)' : '';
  if (facts.sha256 !== undefined && facts.sha256 !== pinned.sha256) {
    const message = `${nameOf(file)} has the SHA-256 ${facts.sha256} on ${hub.name}; the registry states ${pinned.sha256}${source}`;
    return new PullError('wrong_hash', message, advice);
  }
  if (facts.bytes !== undefined && pinned.bytes !== undefined && facts.bytes !== pinned.bytes) {
    const message = `${nameOf(file)} has ${facts.bytes} bytes on ${hub.name}; the registry states ${pinned.bytes}${source}`;
    return new PullError('wrong_hash', message, advice);
  }
  return undefined;
}
