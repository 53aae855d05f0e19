import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { listen } from './listen.ts';
import { gitBlob, type HubRepo, isLinked, sha256, xetHash } from './repository.ts';
import { type HubRequest, note } from './requests.ts';
import { createStore, type Mishap, type Store } from './store.ts';

/** A hub that speaks as huggingface.co does, and two CDNs of its store on other ports. They end with the test. */
export interface HubServer extends Pick<Store, 'clientHas' | 'stalled'> {
  url: string;
  /** Redirect targets for files in LFS and Xet, used in turn. */
  cdns: string[];
  /** The CDNs as `HF_HOSTS_ALLOW` names them. */
  allow: string;
  requests: HubRequest[];
  /** Bodies that the CDNs were asked for. */
  downloads(): HubRequest[];
  /** Faults of the next downloads from the CDNs, in this order. */
  mishaps: Mishap[];
  /** Status and headers of the next responses of the hub. */
  hubStatuses: (number | { status: number; headers: Record<string, string> })[];
  /** Requests that the rate limit still allows, and seconds until its window ends. */
  rateLimit: { remaining: number; resetSeconds: number };
  /** The connection breaks in place of the answer to this request, counted from 1 over the hub and its CDNs. */
  breakAt?: number;
  /** From the former name of a repository to its present one. */
  renamed: Record<string, string>;
  /** Faults between the hub and its client. */
  weather: {
    /** A mirror keeps `x-linked-etag`, `x-repo-commit` and the like to itself. */
    isSilent?: boolean;
    /** A proxy refuses HEAD. */
    refusesHead?: boolean;
    /** A proxy compresses files of git, whatever is asked for. */
    packs?: boolean;
    /** A login page in place of everything. */
    page?: boolean;
    /** A mirror that serves files alone. */
    hasNoApi?: boolean;
    /** The store shares the hub's origin, as that of some mirrors does. */
    ownStore?: boolean;
  };
}

const windowSeconds = 300;
const requestsPerWindow = 3_000;

/** @param cdnNames addresses under which others reach the CDNs; their own by default. */
export async function startHub(repos: Record<string, HubRepo>, cdnNames?: string[]): Promise<HubServer> {
  const requests: HubRequest[] = [];
  const store = createStore(repos);
  const cdns = await Promise.all(
    [0, 1].map((cdn) =>
      listen((request, response) => {
        note(requests, 'cdn', request, response);
        if (requests.length === hub.breakAt) response.destroy();
        else store.answer(cdn, request, response);
      }),
    ),
  );
  let resolved = 0;
  const hub: HubServer = {
    url: await listen((request, response) => void answer(request, response)),
    cdns,
    allow: cdns.map((address) => new URL(address).host).join(),
    requests,
    downloads: () => requests.filter(({ path, method }) => path.startsWith('/xet-bridge-us/') && method === 'GET'),
    mishaps: store.mishaps,
    hubStatuses: [],
    rateLimit: { remaining: requestsPerWindow, resetSeconds: windowSeconds },
    renamed: {},
    weather: {},
    clientHas: store.clientHas,
    stalled: store.stalled,
  };

  function answer(request: IncomingMessage, response: ServerResponse): ServerResponse {
    note(requests, 'hub', request, response);
    if (requests.length === hub.breakAt) return response.destroy();
    const { isSilent, page, refusesHead } = hub.weather;
    const url = decodeURIComponent(request.url ?? '');
    if (url.startsWith('/xet-bridge-us/')) return store.answer(0, request, response);
    if (page) return response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(loginPage(request));
    if (refusesHead && request.method === 'HEAD') return response.writeHead(405).end();
    const next = hub.hubStatuses.shift();
    if (typeof next === 'number') return response.writeHead(next).end();
    if (next !== undefined) return response.writeHead(next.status, next.headers).end();
    const limit = limitHeaders();
    if (hub.rateLimit.remaining < 0) return response.writeHead(429, limit).end('We had to rate limit you');

    if (url.startsWith('/api/models')) {
      return hub.weather.hasNoApi ? response.writeHead(404).end() : answerApi(request, response);
    }
    const cached = /^\/api\/resolve-cache\/models\/([^/]+\/[^/]+)\/([^/]+)\/([^?]+)/.exec(url);
    const match = cached ?? /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/([^?]+)/.exec(url);
    const [, name = '', revision = '', path = ''] = match ?? [];
    const present = hub.renamed[name];
    if (present !== undefined) {
      return response.writeHead(307, { ...limit, location: `/${present}/resolve/${revision}/${path}` }).end();
    }
    const fault = refusalOf(repos[name], name, revision, path, request.headers.authorization);
    const { commit, files } = repos[name] ?? { commit: '', files: {} };
    const bytes = files[path];
    if (fault !== undefined || bytes === undefined) {
      const [status, error, message] = fault ?? [404, 'EntryNotFound', 'Entry not found'];
      return response.writeHead(status, { ...limit, 'x-error-code': error, 'x-error-message': message }).end();
    }
    const known = isSilent ? {} : { 'x-repo-commit': commit };
    if (isLinked(path)) {
      const linked = {
        'x-linked-etag': `"${sha256(bytes)}"`,
        'x-linked-size': String(bytes.length),
        'x-xet-hash': xetHash(bytes),
      };
      const place = hub.weather.ownStore ? '' : (cdnNames ?? cdns)[resolved++ % cdns.length];
      const location = `${place}${store.sign(name, path)}`;
      return response.writeHead(302, { ...limit, ...known, ...(isSilent ? {} : linked), location }).end();
    }
    const etag = `"${gitBlob(bytes)}"`;
    if (cached === null && !isSilent) {
      const query = `${encodeURIComponent(`/${name}/resolve/${revision}/${path}`)}=&etag=${encodeURIComponent(etag)}`;
      const location = `/api/resolve-cache/models/${name}/${commit}/${path}?${query}`;
      const text = 'Temporary Redirect. Redirecting to a resolve-cache address';
      response.writeHead(307, {
        ...limit,
        ...known,
        location,
        'content-type': 'text/plain',
        'content-length': text.length,
      });
      return response.end(request.method === 'HEAD' ? undefined : text);
    }
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const isPart = range !== null && !hub.weather.packs;
    const [start, end] = isPart ? [Number(range[1]), Number(range[2] || bytes.length - 1)] : [0, bytes.length - 1];
    const body = hub.weather.packs ? gzipSync(bytes) : bytes.subarray(start, end + 1);
    response.writeHead(isPart ? 206 : 200, {
      ...limit,
      ...known,
      'accept-ranges': 'bytes',
      'content-type': 'text/plain; charset=utf-8',
      'content-length': body.length,
      ...(isPart && { 'content-range': `bytes ${start}-${start + body.length - 1}/${bytes.length}` }),
      ...(hub.weather.packs && { 'content-encoding': 'gzip' }),
      ...(isSilent ? {} : { etag }),
    });
    return response.end(request.method === 'HEAD' ? undefined : body);
  }

  /** Descriptions of repositories, and the search among them. Their rate limit is another one. */
  function answerApi(request: IncomingMessage, response: ServerResponse): ServerResponse {
    const url = new URL(request.url ?? '', 'http://hub');
    const send = (json: unknown) =>
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(json));
    if (url.pathname === '/api/models') {
      const word = url.searchParams.get('search')?.toLowerCase() ?? '';
      const found = Object.entries(repos).filter(([name]) => name.toLowerCase().includes(word));
      const limit = Number(url.searchParams.get('limit') ?? 1000);
      return send(
        found.slice(0, limit).map(([id, { card }], at) => ({
          _id: String(at),
          id,
          modelId: id,
          private: false,
          downloads: 1000 - at,
          likes: 3,
          tags: ['onnx', ...(card?.license === undefined ? [] : [`license:${card.license}`])],
        })),
      );
    }
    const [, name = '', revision = 'main'] =
      /^\/api\/models\/([^/]+\/[^/]+)(?:\/revision\/([^/]+))?$/.exec(decodeURIComponent(url.pathname)) ?? [];
    const present = hub.renamed[name];
    if (present !== undefined) {
      return response.writeHead(307, { location: `/api/models/${present}/revision/${revision}${url.search}` }).end();
    }
    const fault = refusalOf(repos[name], name, revision, undefined, request.headers.authorization);
    const { commit, files, card } = repos[name] ?? { commit: '', files: {} };
    if (fault !== undefined) {
      const [status, error, message] = fault;
      return response
        .writeHead(status, { 'x-error-code': error, 'x-error-message': message, 'content-type': 'application/json' })
        .end(JSON.stringify({ error: message }));
    }
    const hasBlobs = url.searchParams.get('blobs') === 'true';
    const siblings = Object.entries(files).map(([rfilename, bytes]) => ({
      rfilename,
      ...(hasBlobs && { blobId: gitBlob(bytes), size: bytes.length }),
      ...(hasBlobs && isLinked(rfilename) && { lfs: { sha256: sha256(bytes), size: bytes.length, pointerSize: 134 } }),
    }));
    return send({
      _id: name,
      id: name,
      modelId: name,
      sha: commit,
      private: false,
      tags: ['onnx'],
      siblings,
      ...(card && { cardData: card }),
    });
  }

  function limitHeaders(): Record<string, string> {
    const { resetSeconds } = hub.rateLimit;
    hub.rateLimit.remaining -= 1;
    return {
      ratelimit: `"resolvers";r=${Math.max(0, hub.rateLimit.remaining)};t=${resetSeconds}`,
      'ratelimit-policy': `"fixed window";"resolvers";q=${requestsPerWindow};w=${windowSeconds}`,
    };
  }

  return hub;
}

/** Why a repository does not answer. Whether a private one exists is nobody's business without a token. */
function refusalOf(
  repo: HubRepo | undefined,
  name: string,
  revision: string,
  path: string | undefined,
  authorization: string | undefined,
): [status: number, error: string, message: string] | undefined {
  const isAnonymous = authorization === undefined;
  if (repo === undefined) {
    return isAnonymous
      ? [401, 'RepoNotFound', 'Invalid username or password.']
      : [404, 'RepoNotFound', 'Repository not found'];
  }
  const wanted = repo.gated === undefined || repo.gated === true ? undefined : `Bearer ${repo.gated.token}`;
  if (repo.gated === true || (wanted !== undefined && authorization !== wanted)) {
    return [isAnonymous ? 401 : 403, 'GatedRepo', `Access to model ${name} is restricted.`];
  }
  if (revision !== repo.commit && revision !== 'main') return [404, 'RevisionNotFound', `Invalid rev id: ${revision}`];
  return path !== undefined && repo.files[path] === undefined ? [404, 'EntryNotFound', 'Entry not found'] : undefined;
}

const loginPage = ({ method }: IncomingMessage) =>
  method === 'HEAD' ? undefined : '<!DOCTYPE html><html><title>Sign in to the network</title></html>';
