import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGuardedFetch } from '../../../images/guarded-fetch.ts';
import { type HttpHubOptions, httpHub } from '../../../models/pulling/http-hub.ts';
import { type PullEvent, type Pulled, type PullOptions, pull } from '../../../models/pulling/pull.ts';
import type { PullError } from '../../../models/pulling/pull-error.ts';
import { type HubEntry, isHubEntry, readEntries } from '../../../models/registry/entries.ts';
import { tinyClipFolder } from '../../../testing/model-folders.ts';
import type { HubServer } from './server.ts';

export const commit = 'a'.repeat(40);

const read = (file: string) => readFileSync(join(tinyClipFolder, file));
export const vision = read('onnx/vision_model.onnx');
export const text = read('onnx/text_model.onnx');

/** The files of a small CLIP as its repository has them. */
export const tinyFiles: Record<string, Buffer> = {
  'config.json': read('config.json'),
  'preprocessor_config.json': read('preprocessor_config.json'),
  'tokenizer.json': read('tokenizer.json'),
  'tokenizer_config.json': read('tokenizer_config.json'),
  'onnx/vision_model.onnx': vision,
  'onnx/text_model.onnx': text,
};

export const tinySource = { type: 'huggingface', repo: 'someone/clip', revision: commit, layout: 'xenova' };

/** A model `tiny` in a registry of its own below this directory. */
export async function tinyEntry(directory: string, more: object = {}): Promise<HubEntry> {
  const modelsFile = join(directory, 'models.json');
  await writeFile(modelsFile, JSON.stringify({ models: { tiny: { source: tinySource, ...more } } }));
  const { find } = await readEntries({ dataDir: join(directory, 'data'), modelsFile, model: undefined });
  const entry = find('tiny');
  if (entry === undefined || !isHubEntry(entry)) throw new Error('the entry is not there');
  return entry;
}

/** Pulls as `vls` does: behind the address guard. Retries at once, unless the hub asks for a wait. */
export const pullTiny = (
  hub: HubServer,
  entry: HubEntry,
  { endpoint = hub.url, token, hubOrigins, ...more }: Partial<PullOptions & HttpHubOptions> = {},
): Promise<Pulled> =>
  pull(entry, {
    hub: httpHub({
      endpoint,
      token,
      ...(hubOrigins && { hubOrigins }),
      fetch: createGuardedFetch(endpoint, { allow: [new URL(hub.url).host, ...hub.allow.split(',')] }),
    }),
    retryDelayMs: 0,
    ...more,
    onEvent(event) {
      if (event.type === 'progress') hub.clientHas(event.received);
      more.onEvent?.(event);
    },
  });

/** The failure of something that must fail. */
export async function failureOf(doing: Promise<unknown>): Promise<PullError> {
  try {
    await doing;
  } catch (error) {
    return error as PullError;
  }
  throw new Error('it did not fail');
}

/** Collects the retries of a pull. */
export function retriesOf(): { retries: { reason: string; waitMs: number }[]; onEvent(event: PullEvent): void } {
  const retries: { reason: string; waitMs: number }[] = [];
  return {
    retries,
    onEvent: (event) => {
      if (event.type === 'retry') retries.push({ reason: event.reason, waitMs: event.waitMs });
    },
  };
}
