import type { Precision } from '../model.ts';
import type { HubEntry } from '../registry/entries.ts';
import { wantedPrecisions } from '../registry/precision.ts';
import { findMore, requiredFiles } from './find-files.ts';
import type { FileFacts, Hub } from './hub.ts';
import { type Patience, patience, persist, type Retry } from './persist.ts';
import { disagreement } from './plan.ts';
import { PullError } from './pull-error.ts';

export interface SurveyedFile {
  local: string;
  /** The origin of the file, as `<repository>@<revision>:<path>`. */
  from: string;
  /** The size in bytes that the hub or else the registry states; null when neither does. */
  bytes: number | null;
  stated: { sha256: string | null; gitBlob: string | null; commit: string | null };
  /** `unverified` is true when only one source states the hash. */
  pinned: { sha256: string; unverified: boolean } | null;
  /**
   * The comparison of the hub with the registry. `agrees`: both state the same hash. `unpinned`: only the hub states a
   * hash. `unstated`: the hub states none. `differs`: they contradict each other. `failed`: the request to the hub
   * failed. `fault` has the reason for the last two.
   */
  state: 'agrees' | 'unpinned' | 'unstated' | 'differs' | 'failed';
  fault: string | null;
}

/** The files that a pull of a model would download. */
export interface Survey {
  model: string;
  hub: string;
  files: SurveyedFile[];
  /** The total size in bytes of those files whose size is known. */
  bytes: number;
}

export interface SurveyOptions extends Partial<Patience> {
  hub: Hub;
  precisions?: readonly Precision[] | undefined;
  signal?: AbortSignal | undefined;
  onRetry?: ((local: string, retry: Retry) => void) | undefined;
}

/** Compares what the hub states about each file of a model with the registry. Downloads no files. */
export async function survey(entry: HubEntry, options: SurveyOptions): Promise<Survey> {
  const { hub } = options;
  const required = requiredFiles(entry, wantedPrecisions(entry, options.precisions));
  const onRetry = (local: string, retry: Retry) => options.onRetry?.(local, retry);
  const more = await findMore(entry, required, { ...patience, ...options, onRetry }).catch((error) => {
    // Each request for a required file fails with the same error, which is reported below.
    if (!(error instanceof PullError) || error.code === 'stopped') throw error;
    return [];
  });
  const surveyed: SurveyedFile[] = [];
  // The requests run one after another, so that a refusal by the hub affects only one.
  for (const file of [...required, ...more]) {
    const { local, repo, revision, path } = file;
    const onRetry = (retry: Retry) => options.onRetry?.(local, retry);
    let facts: FileFacts = {};
    let fault: PullError | undefined;
    try {
      facts = await persist({ ...patience, ...options, onRetry }, (signal) => hub.facts(file, signal));
      fault = disagreement(entry, file, facts, hub);
    } catch (error) {
      if (!(error instanceof PullError) || error.code === 'stopped') throw error;
      surveyed.push({
        ...found(facts, entry, local),
        from: `${repo}@${revision}:${path}`,
        state: 'failed',
        fault: error.message,
      });
      continue;
    }
    const isStated = facts.sha256 !== undefined || facts.gitBlob !== undefined;
    const state = !isStated ? 'unstated' : entry.files[local] === undefined ? 'unpinned' : 'agrees';
    surveyed.push({
      ...found(facts, entry, local),
      from: `${repo}@${revision}:${path}`,
      state: fault === undefined ? state : 'differs',
      fault: fault?.message ?? null,
    });
  }
  const bytes = surveyed.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
  return { model: entry.model, hub: hub.name, files: surveyed, bytes };
}

function found(
  facts: FileFacts,
  entry: HubEntry,
  local: string,
): Pick<SurveyedFile, 'local' | 'bytes' | 'stated' | 'pinned'> {
  const pinned = entry.files[local];
  return {
    local,
    bytes: facts.bytes ?? pinned?.bytes ?? null,
    stated: { sha256: facts.sha256 ?? null, gitBlob: facts.gitBlob ?? null, commit: facts.commit ?? null },
    pinned: pinned === undefined ? null : { sha256: pinned.sha256, unverified: pinned.unverified ?? false },
  };
}
