import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Config } from '../../shared/config.ts';
import { version } from '../../shared/version.ts';
import type { LayoutFile } from '../registry/layouts.ts';

/** Why a pull failed. `network`, `timeout` and `hub` may pass by themselves. */
export type PullCode =
  | 'network'
  | 'timeout'
  | 'hub'
  | 'unauthorized'
  | 'gated'
  | 'not_found'
  | 'wrong_commit'
  | 'wrong_hash'
  | 'no_space'
  | 'disk'
  | 'unusable'
  | 'stopped';

/** A pull that failed: what happened, and what a person can do about it. */
export class PullError extends Error {
  override name = 'PullError';
  readonly code: PullCode;
  readonly advice: string;

  constructor(code: PullCode, message: string, advice: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.advice = advice;
  }
}

/** Whether the same request may succeed a moment later. */
export const mayPass = (error: unknown): error is PullError =>
  error instanceof PullError && ['network', 'timeout', 'hub'].includes(error.code);

/** What a hub states about a file, each where it states it. */
export interface FileFacts {
  bytes?: number;
  /** Of files in LFS: the hub's ETag of such a file is its SHA-256. */
  sha256?: string;
  /** Of files in git: the ETag is the id of the blob. */
  gitBlob?: string;
  /** The commit that the revision stands for. */
  commit?: string;
}

/** The bytes of a file from `offset` on. `offset` may be less than asked for: then the file begins anew. */
export interface Download {
  offset: number;
  /** Strong validator of these bytes, to be shown when the rest is asked for. */
  etag?: string;
  body: AsyncIterable<Uint8Array>;
}

/** Where model files come from. */
export interface Hub {
  /** For messages: the hub's address or directory. */
  name: string;
  /** @throws {PullError} */
  facts(file: LayoutFile, signal?: AbortSignal): Promise<FileFacts>;
  /**
   * @param from where to begin, and the validator of what is there already. Without a validator the file's hash decides.
   * @throws {PullError}
   */
  open(file: LayoutFile, from: { offset: number; etag?: string | undefined }, signal?: AbortSignal): Promise<Download>;
}

/**
 * The hub that the settings name: a directory (`HF_OFFLINE_DIR`) or an address (`HF_ENDPOINT`).
 * @param fetch how addresses are asked: a hub redirects to hosts that nobody here has chosen.
 */
export function hubOf(config: Pick<Config, 'hfEndpoint' | 'hfToken' | 'hfOfflineDir'>, fetch?: Fetch): Hub {
  if (config.hfOfflineDir !== undefined) return folderHub(config.hfOfflineDir);
  return httpHub({ endpoint: config.hfEndpoint, token: config.hfToken, fetch });
}

type Fetch = typeof globalThis.fetch;

const maxRedirects = 5;

/** The file of a LayoutFile as it stands in a message. */
export const nameOf = ({ repo, revision, path }: LayoutFile): string => `${path} of ${repo} at ${revision}`;

const encodePath = (path: string) => path.split('/').map(encodeURIComponent).join('/');

/** A hub that speaks the HTTP of huggingface.co. */
export function httpHub({
  endpoint,
  token,
  fetch = globalThis.fetch,
}: {
  endpoint: string;
  token?: string | undefined;
  fetch?: Fetch | undefined;
}): Hub {
  const urlOf = ({ repo, revision, path }: LayoutFile) =>
    `${endpoint}/${encodePath(repo)}/resolve/${encodeURIComponent(revision)}/${encodePath(path)}`;
  const headers: Record<string, string> = {
    'user-agent': `vision-language-similarity/${version}`,
    // Lengths and ranges are those of the file itself.
    'accept-encoding': 'identity',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };

  async function request(url: string, file: LayoutFile, init: RequestInit): Promise<Response> {
    try {
      return await fetch(url, init);
    } catch (cause) {
      throw networkError(cause, `Asking ${endpoint} for ${nameOf(file)}`);
    }
  }

  return {
    name: endpoint,
    async facts(file, signal) {
      let url = urlOf(file);
      const facts: FileFacts = {};
      for (let hops = 0; hops <= maxRedirects; hops++) {
        const answer = await request(url, file, {
          method: 'HEAD',
          redirect: 'manual',
          headers,
          ...(signal && { signal }),
        });
        Object.assign(facts, { ...factsOf(answer.headers), ...facts });
        const location = answer.headers.get('location');
        if (location === null || answer.status < 300 || answer.status >= 400) {
          if (!answer.ok) throw refusal(answer, file, endpoint, token);
          const length = answer.headers.get('content-length');
          if (length !== null) facts.bytes ??= Number(length);
          return facts;
        }
        const next = new URL(location, url);
        // The hub redirects within itself for renamed repositories and for small files; elsewhere is the CDN, which
        // knows nothing that the hub has not said by now, and must not see the token.
        if (next.origin !== new URL(endpoint).origin) return facts;
        url = next.href;
      }
      throw new PullError('hub', `${endpoint} redirects ${nameOf(file)} in a circle`, adviceFor.hub);
    },

    async open(file, { offset, etag }, signal) {
      const ranged = offset > 0 ? { range: `bytes=${offset}-`, ...(etag !== undefined && { 'if-range': etag }) } : {};
      // fetch drops the authorization header on its way to another origin.
      const answer = await request(urlOf(file), file, {
        headers: { ...headers, ...ranged },
        ...(signal && { signal }),
      });
      if (answer.status === 416) {
        await answer.body?.cancel();
        return await this.open(file, { offset: 0 }, signal);
      }
      if (!answer.ok || answer.body === null) {
        await answer.body?.cancel();
        throw refusal(answer, file, endpoint, token);
      }
      const validator = answer.headers.get('etag');
      return {
        offset: answer.status === 206 ? startOf(answer.headers.get('content-range'), offset) : 0,
        ...(validator !== null && !validator.startsWith('W/') && { etag: validator }),
        body: bytesOf(answer, nameOf(file)),
      };
    },
  };
}

function factsOf(headers: Headers): FileFacts {
  const facts: FileFacts = {};
  const commit = headers.get('x-repo-commit');
  if (commit !== null) facts.commit = commit;
  const size = headers.get('x-linked-size');
  if (size !== null) facts.bytes = Number(size);
  const etag = (headers.get('x-linked-etag') ?? headers.get('etag'))?.replace(/^W\//, '').replaceAll('"', '');
  if (etag !== undefined && /^[0-9a-f]{64}$/.test(etag)) facts.sha256 = etag;
  // Elsewhere an ETag of this length may be the SHA-1 of the content itself.
  if (commit !== null && etag !== undefined && /^[0-9a-f]{40}$/.test(etag)) facts.gitBlob = etag;
  return facts;
}

/** `bytes 100-199/200` starts at 100. */
function startOf(contentRange: string | null, asked: number): number {
  const start = /^bytes (\d+)-/.exec(contentRange ?? '')?.[1];
  return start === undefined ? asked : Number(start);
}

/**
 * Holds the Response and not its stream alone: Node's fetch cancels a stream that nobody reads yet when its Response is
 * garbage collected, and the file would seem to end before it began.
 */
async function* bytesOf(answer: Response, what: string): AsyncGenerator<Uint8Array> {
  try {
    yield* answer.body ?? [];
  } catch (cause) {
    throw networkError(cause, `The download of ${what}`);
  }
}

const adviceFor = {
  network:
    'Check the connection, HF_ENDPOINT and, behind a proxy, HTTPS_PROXY with NODE_USE_ENV_PROXY=1. Without a network, set HF_OFFLINE_DIR to a copied hub cache. What has arrived is kept: the same command goes on from there.',
  timeout: 'The connection is stalled. What has arrived is kept: run the same command again.',
  hub: 'The hub is failing. What has arrived is kept: try again later, or set HF_ENDPOINT to a mirror.',
};

function networkError(cause: unknown, what: string): PullError {
  const error = cause as Error & { code?: string; cause?: Error & { code?: string } };
  if (error.name === 'TimeoutError')
    return new PullError('timeout', `${what} came to a halt: ${error.message}`, adviceFor.timeout, cause);
  if (error.name === 'AbortError') return new PullError('stopped', 'The pull was stopped', 'Run it again.', cause);
  const why = error.cause?.message || error.cause?.code || error.message;
  return new PullError('network', `${what} failed: ${why}`, adviceFor.network, cause);
}

/** A status that is no success; the hub says more in `x-error-code`. */
function refusal(answer: Response, file: LayoutFile, endpoint: string, token: string | undefined): PullError {
  const said = answer.headers.get('x-error-code');
  const detail = answer.headers.get('x-error-message');
  const status = `${answer.status}${said === null ? '' : ` ${said}`}${detail === null ? '' : `: ${detail}`}`;
  const page = `${endpoint}/${file.repo}`;
  if (said === 'GatedRepo') {
    const advice =
      token === undefined
        ? `Ask for access at ${page}, then set HF_TOKEN to a token of that account.`
        : `The account of HF_TOKEN has no access yet: ask for it at ${page}.`;
    return new PullError('gated', `${file.repo} is gated (${status})`, advice);
  }
  if (answer.status === 401 || answer.status === 403) {
    const advice =
      token === undefined
        ? `The repository is private or does not exist: check its name at ${page}, or set HF_TOKEN.`
        : 'HF_TOKEN is not accepted for this repository: check that it is valid and may read it.';
    return new PullError('unauthorized', `${endpoint} refuses ${nameOf(file)} (${status})`, advice);
  }
  if (answer.status === 404) {
    const what = { RepoNotFound: 'repository', RevisionNotFound: 'revision' }[said ?? ''] ?? 'file';
    const advice = `Check source.repo, revision and layout of this model in the registry against ${page}.`;
    return new PullError('not_found', `${endpoint} has no such ${what}: ${nameOf(file)} (${status})`, advice);
  }
  if (answer.status === 429 || answer.status >= 500) {
    return new PullError('hub', `${endpoint} could not serve ${nameOf(file)} (${status})`, adviceFor.hub);
  }
  return new PullError('not_found', `${endpoint} answers ${status} for ${nameOf(file)}`, 'Check HF_ENDPOINT.');
}

/**
 * A directory in the place of a hub: a copied hub cache (`models--<owner>--<name>/snapshots/<revision>/`), or plain
 * folders (`<owner>/<name>/`). It states sizes and no hashes.
 */
export function folderHub(directory: string): Hub {
  async function find(file: LayoutFile): Promise<{ path: string; bytes: number }> {
    const candidates = [
      join(directory, `models--${file.repo.replace('/', '--')}`, 'snapshots', file.revision, file.path),
      join(directory, file.repo, file.path),
    ];
    for (const path of candidates) {
      const found = await stat(path).catch(() => undefined);
      if (found?.isFile()) return { path, bytes: found.size };
    }
    const advice = `Copy the hub's cache of a machine that has it, or the repository's files, to ${candidates[1]}.`;
    throw new PullError('not_found', `HF_OFFLINE_DIR has no ${nameOf(file)}`, advice);
  }
  return {
    name: directory,
    async facts(file) {
      return { bytes: (await find(file)).bytes };
    },
    async open(file, { offset }) {
      const { path } = await find(file);
      return { offset, body: Readable.from(createReadStream(path, { start: offset })) };
    },
  };
}
