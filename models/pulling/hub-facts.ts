import type { FileFacts } from './hub.ts';

/** An ETag without its quotes and without the mark of a weak one. */
const bare = (etag: string | null): string | undefined => etag?.replace(/^W\//, '').replaceAll('"', '') || undefined;

/**
 * What one answer of a hub states about a file. A linked ETag describes the file. The ETag of the answer itself does so
 * only when it comes with the commit: the one of a CDN names the file as the CDN stores it, as Xet hash for one, which
 * has the form of a SHA-256 and is none.
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

/** Bytes of the whole file by an answer with a body; nothing when the body is packed. */
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

/** Whether a proxy has compressed the body although the bytes of the file were asked for. */
export const isPacked = ({ headers }: Response): boolean => {
  const coding = headers.get('content-encoding');
  return coding !== null && coding !== 'identity';
};

/** `bytes 100-199/200` starts at 100. */
export function startOf(answer: Response, asked: number): number {
  if (answer.status !== 206) return 0;
  const start = /^bytes (\d+)-/.exec(answer.headers.get('content-range') ?? '')?.[1];
  return start === undefined ? asked : Number(start);
}
