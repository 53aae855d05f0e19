import { EventEmitter, on } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type HubRepo, xetHash } from './repository.ts';

/** A fault of one download. */
export interface Mishap {
  /** The file it waits for; any, where it names none. */
  file?: string;
  /** An error of the store: 403 `SignatureError`, 400, 404, 408, 503, as CDNs give them for addresses that they signed. */
  status?: number;
  /** A web page with status 200, as a filter of a network gives it. */
  page?: true;
  /** Sends the whole file, whatever range is asked for. */
  ignoresRange?: true;
  /** The connection breaks after so many bytes of the body, as soon as the client says that it has them. */
  cutAfter?: number;
  /** The connection stays open and silent after so many bytes. */
  stallAfter?: number;
  /** The body has no stated length and ends in good order after so many bytes. */
  endAfter?: number;
  /** Other bytes of the same length, under the same validator or under another. */
  bytes?: 'wrong' | 'of another version';
}

/** The CDNs in front of one store. Their ETags differ, and none is the SHA-256 of the file. */
export interface Store {
  answer(cdn: number, request: IncomingMessage, response: ServerResponse): ServerResponse;
  /** An address that is signed for one GET. */
  sign(name: string, path: string): string;
  mishaps: Mishap[];
  clientHas(received: number): void;
  stalled(): Promise<void>;
}

export function createStore(repos: Record<string, HubRepo>): Store {
  const events = new EventEmitter();
  const stalls = on(events, 'stalled');
  const signatures = new Set<string>();
  // Cut once the client has the bytes: what waits in the buffers of a broken connection is lost.
  let cut: { at: number; response: ServerResponse } | undefined;

  const store: Store = {
    mishaps: [],
    sign(name, path) {
      const signature = crypto.randomUUID();
      signatures.add(signature);
      return `/xet-bridge-us/${name}/${path}?X-Amz-Expires=3600&X-Amz-Signature=${signature}`;
    },
    clientHas(received) {
      if (cut === undefined || received < cut.at) return;
      cut.response.destroy();
      cut = undefined;
    },
    stalled: async () => void (await stalls.next()),
    answer(cdn, request, response) {
      const url = new URL(request.url ?? '', 'http://cdn');
      const [, , owner, repo, ...path] = url.pathname.split('/');
      const original = repos[`${owner}/${repo}`]?.files[path.join('/')];
      if (original === undefined) return response.writeHead(404).end();
      // Signed for GET: another method is another signature.
      if (request.method !== 'GET' || !signatures.has(url.searchParams.get('X-Amz-Signature') ?? '')) {
        return response
          .writeHead(403, { 'content-type': 'application/xml' })
          .end('<Error>SignatureDoesNotMatch</Error>');
      }
      const next = store.mishaps.findIndex(({ file }) => file === undefined || file === path.join('/'));
      const [mishap = {}]: Mishap[] = next < 0 ? [] : store.mishaps.splice(next, 1);
      if (mishap.status !== undefined) {
        return response.writeHead(mishap.status, { 'content-type': 'application/xml' }).end('<Error></Error>');
      }
      if (mishap.page) {
        return response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Blocked</title>');
      }
      const bytes = mishap.bytes === undefined ? original : Buffer.alloc(original.length, 8);
      const etag =
        mishap.bytes === 'of another version' ? '"another"' : `"${xetHash(original).slice(cdn)}${'0'.repeat(cdn)}"`;

      const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const end = Number(/^bytes=\d+-(\d+)$/.exec(request.headers.range ?? '')?.[1] ?? bytes.length - 1);
      const ifRange = request.headers['if-range'];
      const isRanged = request.headers.range !== undefined && (ifRange === undefined || ifRange === etag);
      const isRest = isRanged && !mishap.ignoresRange;
      if (isRest && start >= bytes.length) {
        return response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
      }
      const body = isRest ? bytes.subarray(start, end + 1) : bytes;
      const part = body.subarray(0, mishap.cutAfter ?? mishap.stallAfter ?? mishap.endAfter);
      response.writeHead(isRest ? 206 : 200, {
        etag,
        'content-type': 'application/octet-stream',
        'accept-ranges': 'bytes',
        ...(mishap.endAfter === undefined && { 'content-length': body.length }),
        ...(isRest && { 'content-range': `bytes ${start}-${start + body.length - 1}/${bytes.length}` }),
      });
      if (mishap.cutAfter === undefined && mishap.stallAfter === undefined) return response.end(part);
      response.write(part, () => {
        if (mishap.cutAfter !== undefined) cut = { at: (isRest ? start : 0) + part.length, response };
        else events.emit('stalled');
      });
      return response;
    },
  };
  return store;
}
