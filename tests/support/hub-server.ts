import { createHash } from 'node:crypto';
import { EventEmitter, on, once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A repository on the local hub. Files that end in .onnx are in LFS: they live on the CDN. */
export interface HubRepo {
  commit: string;
  files: Record<string, Buffer>;
  /** Whom it refuses: everybody, or whoever lacks this token. */
  gated?: true | { token: string };
}

/** What the CDN does with one download instead of serving it. */
export type Mishap =
  /** The connection breaks after so many bytes of the body, as soon as the client says that it has them. */
  | { cutAfter: number }
  /** The connection stays open and silent after so many bytes. */
  | { stallAfter: number }
  /** Other bytes of the same length. */
  | 'wrong bytes'
  /** The file under another validator, and other bytes. */
  | 'another version'
  | { status: number };

export interface HubRequest {
  server: 'hub' | 'cdn';
  method: string;
  path: string;
  range: string | undefined;
  ifRange: string | undefined;
  authorization: string | undefined;
  status: number;
}

/** A hub that speaks as huggingface.co does, and its CDN on another port. Both end with the test. */
export interface HubServer {
  url: string;
  /** Where it redirects to. */
  cdn: string;
  requests: HubRequest[];
  /** Bodies that the CDN has been asked for. */
  downloads(): HubRequest[];
  /** What happens to the next downloads from the CDN, in this order. */
  mishaps: Mishap[];
  /** What happens to the next requests at the hub: their status. */
  hubStatuses: number[];
  /** Keeps `x-linked-etag` and the like to itself, as plain mirrors do. */
  silent: boolean;
  /** The client's progress: bytes of the file it is at. */
  clientHas(received: number): void;
  /** Resolves when a download of the CDN has stalled. */
  stalled(): Promise<void>;
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const gitBlob = (bytes: Buffer) => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
const isLfs = (path: string) => path.endsWith('.onnx');

export async function startHub(repos: Record<string, HubRepo>): Promise<HubServer> {
  const events = new EventEmitter();
  const requests: HubRequest[] = [];
  // Cut once the client has the bytes: what waits in the buffers of a broken connection is lost.
  let cut: { at: number; response: ServerResponse } | undefined;
  const stalls = on(events, 'stalled');
  const cdn = await listen((request, response) => answerFromCdn(request, response));
  const front = await listen((request, response) => answerFromHub(request, response));
  const hub: HubServer = {
    url: front,
    cdn,
    requests,
    downloads: () => requests.filter(({ server, method }) => server === 'cdn' && method === 'GET'),
    mishaps: [],
    hubStatuses: [],
    silent: false,
    clientHas(received) {
      if (cut === undefined || received < cut.at) return;
      cut.response.destroy();
      cut = undefined;
    },
    stalled: async () => {
      await stalls.next();
    },
  };

  function note(server: HubRequest['server'], request: IncomingMessage, response: ServerResponse): void {
    const { range, authorization } = request.headers;
    const noted: HubRequest = {
      server,
      method: request.method ?? '',
      path: request.url ?? '',
      range,
      ifRange: request.headers['if-range']?.toString(),
      authorization,
      status: 0,
    };
    requests.push(noted);
    const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => ServerResponse;
    response.writeHead = ((status: number, ...rest: unknown[]) => {
      noted.status = status;
      return writeHead(status, ...rest);
    }) as typeof response.writeHead;
  }

  function answerFromHub(request: IncomingMessage, response: ServerResponse): ServerResponse {
    note('hub', request, response);
    const status = hub.hubStatuses.shift();
    if (status !== undefined) return response.writeHead(status).end();
    const match = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(decodeURIComponent(request.url ?? ''));
    const [, name = '', revision = '', path = ''] = match ?? [];
    const repo = repos[name];
    const refuse = (code: number, error: string, message: string) =>
      response.writeHead(code, { 'x-error-code': error, 'x-error-message': message }).end();
    // As the hub does: whether a private repository exists is nobody's business.
    if (repo === undefined) return refuse(401, 'RepoNotFound', 'Invalid username or password.');
    const wanted = repo.gated === undefined || repo.gated === true ? undefined : `Bearer ${repo.gated.token}`;
    if (repo.gated === true || (wanted !== undefined && request.headers.authorization !== wanted)) {
      const anonymous = request.headers.authorization === undefined;
      return refuse(anonymous ? 401 : 403, 'GatedRepo', `Access to model ${name} is restricted.`);
    }
    if (revision !== repo.commit && revision !== 'main') return refuse(404, 'RevisionNotFound', 'Revision not found');
    const bytes = repo.files[path];
    if (bytes === undefined) return refuse(404, 'EntryNotFound', 'Entry not found');
    const commit = hub.silent ? {} : { 'x-repo-commit': repo.commit };
    if (isLfs(path)) {
      const linked = hub.silent ? {} : { 'x-linked-etag': `"${sha256(bytes)}"`, 'x-linked-size': String(bytes.length) };
      const location = `${cdn}/${name}/${path}?signature=1`;
      return response.writeHead(302, { ...commit, ...linked, location }).end();
    }
    const etag = hub.silent ? {} : { etag: `"${gitBlob(bytes)}"` };
    response.writeHead(200, { ...commit, ...etag, 'content-length': bytes.length });
    return response.end(request.method === 'HEAD' ? undefined : bytes);
  }

  function answerFromCdn(request: IncomingMessage, response: ServerResponse): ServerResponse {
    note('cdn', request, response);
    const [, owner, repo, ...path] = (request.url ?? '').split('?', 1)[0]?.split('/') ?? [];
    const original = repos[`${owner}/${repo}`]?.files[path.join('/')];
    if (original === undefined) return response.writeHead(404).end();
    const mishap = request.method === 'GET' ? hub.mishaps.shift() : undefined;
    if (typeof mishap === 'object' && 'status' in mishap) return response.writeHead(mishap.status).end();
    const bytes =
      mishap === 'wrong bytes' || mishap === 'another version' ? Buffer.alloc(original.length, 7) : original;
    // The CDN's validator is its own.
    const etag = mishap === 'another version' ? '"cdn-2"' : '"cdn-1"';

    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const ifRange = request.headers['if-range'];
    const isRest = start > 0 && (ifRange === undefined || ifRange === etag);
    if (isRest && start >= bytes.length) {
      return response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    }
    const body = isRest ? bytes.subarray(start) : bytes;
    response.writeHead(isRest ? 206 : 200, {
      etag,
      'content-length': body.length,
      'accept-ranges': 'bytes',
      ...(isRest && { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
    });
    if (request.method === 'HEAD') return response.end();
    if (typeof mishap !== 'object') return response.end(body);
    const part = body.subarray(0, 'cutAfter' in mishap ? mishap.cutAfter : mishap.stallAfter);
    response.write(part, () => {
      if ('cutAfter' in mishap) cut = { at: (isRest ? start : 0) + part.length, response };
      else events.emit('stalled');
    });
    return response;
  }

  return hub;
}

async function listen(
  handler: (request: IncomingMessage, response: ServerResponse) => ServerResponse,
): Promise<string> {
  const server: Server = createServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
