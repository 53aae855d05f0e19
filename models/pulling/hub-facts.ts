import type { FileFacts } from './hub.ts';

/** Returns an ETag without quotes, and without the prefix `W/` of a weak ETag. */
const bare = (etag: string | null): string | undefined => etag?.replace(/^W\//, '').replaceAll('"', '') || undefined;

/**
 * `x-linked-etag` has the hash of the file. `etag` has it only if the response states a commit: the ETag of a CDN may
 * be a Xet hash, which looks like a SHA-256.
 */
export function factsOf(answer: Response): FileFacts {
  const { headers } = answer;
  const facts: FileFacts = {};
  const commit = headers.get('x-repo-commit');
  if (commit !== null) facts.commit = commit;
  const linkedSize = headers.get('x-linked-size');
  if (linkedSize !== null && /^\d+$/.test(linkedSize)) facts.bytes = Number(linkedSize);
  const own = answer.ok && commit !== null ? bare(headers.get('etag')) : undefined;
  const etag = bare(headers.get('x-linked-etag')) ?? own;
  if (etag !== undefined && /^[0-9a-f]{64}$/.test(etag)) facts.sha256 = etag;
  if (etag !== undefined && /^[0-9a-f]{40}$/.test(etag)) facts.gitBlob = etag;
  return facts;
}

/** Returns the size of the whole file in bytes; undefined when it is not stated or the body is compressed. */
export function totalOf(answer: Response): number | undefined {
  const { headers, status } = answer;
  if (isPacked(answer)) return undefined;
  if (status === 206) {
    const total = /^bytes \d+-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1];
    return total === undefined ? undefined : Number(total);
  }
  const length = headers.get('content-length');
  return length === null || !/^\d+$/.test(length) ? undefined : Number(length);
}

/** A proxy may compress although the request accepts no compression. */
export const isPacked = ({ headers }: Response): boolean => {
  const coding = headers.get('content-encoding');
  return coding !== null && coding !== 'identity';
};

/** Returns the offset in the file at which the body begins: 100 for `bytes 100-199/200`. */
export function startOf(answer: Response, asked: number): number {
  if (answer.status !== 206) return 0;
  const start = /^bytes (\d+)-/.exec(answer.headers.get('content-range') ?? '')?.[1];
  return start === undefined ? asked : Number(start);
}
