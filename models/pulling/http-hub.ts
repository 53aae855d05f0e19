import { version } from '../../shared/version.ts';
import type { LayoutFile } from '../registry/layouts.ts';
import { type FileFacts, type Hub, nameOf } from './hub.ts';
import { foundIn, listingIn, listPath, searchPath } from './hub-api.ts';
import { factsOf, isPacked, startOf, totalOf } from './hub-facts.ts';
import { refusal } from './hub-refusal.ts';
import { adviceFor, networkFault } from './network-fault.ts';
import { PullError } from './pull-error.ts';

export type Fetch = typeof globalThis.fetch;

export interface HttpHubOptions {
  /**
   * The address of the hub or mirror. A user name and password in it are sent only to its origin, and no message
   * contains them.
   */
  endpoint: string;
  /** Sent only to the origin of `endpoint` and to the origins of the hub. */
  token?: string | undefined;
  fetch?: Fetch | undefined;
  /** The origins of the hub itself, to which a mirror may redirect. */
  hubOrigins?: readonly string[];
}

const huggingFace = ['https://huggingface.co', 'https://hf.co'];

/**
 * Two redirects for each of five causes: the mirror, the hub, a renamed repository, another address of the hub, and the
 * file store.
 */
const maxRedirects = 10;

const encodePath = (path: string) => path.split('/').map(encodeURIComponent).join('/');

/** The maximum number of repositories in a search result. */
const mostFound = 20;

interface Answered {
  answer: Response;
  url: URL;
}

/** Returns a hub that uses the HTTP API of huggingface.co, directly or through a mirror. */
export function httpHub(options: HttpHubOptions): Hub {
  const { token, fetch = globalThis.fetch, hubOrigins = huggingFace } = options;
  const given = new URL(options.endpoint);
  const basic =
    given.username === '' && given.password === ''
      ? undefined
      : `Basic ${btoa(`${decodeURIComponent(given.username)}:${decodeURIComponent(given.password)}`)}`;
  given.username = '';
  given.password = '';
  // The hub would redirect to https only after the token had been sent unencrypted.
  if (hubOrigins.includes(`https://${given.host}`)) given.protocol = 'https:';
  const endpoint = given.href.replace(/\/+$/, '');
  /** The addresses at which facts were found. Downloads start there, so facts and bytes have one source. */
  const foundAt = new Map<string, URL>();

  const urlOf = ({ repo, revision, path }: LayoutFile) =>
    new URL(`${endpoint}/${encodePath(repo)}/resolve/${encodeURIComponent(revision)}/${encodePath(path)}`);
  const isHub = (url: URL) => url.origin === given.origin || hubOrigins.includes(url.origin);
  const isResolved = (url: URL) => url.pathname.includes('/resolve/') || url.pathname.includes('/resolve-cache/');

  function headersFor(url: URL): Record<string, string> {
    const authorization =
      basic !== undefined && url.origin === given.origin ? basic : token === undefined ? undefined : `Bearer ${token}`;
    return {
      'user-agent': `vision-language-similarity/${version}`,
      // Lengths and ranges must refer to the uncompressed file.
      'accept-encoding': 'identity',
      ...(authorization !== undefined && isHub(url) && { authorization }),
    };
  }

  async function ask(method: 'HEAD' | 'GET', url: URL, what: string, more: object, signal?: AbortSignal) {
    try {
      const headers = { ...headersFor(url), ...more };
      return await fetch(url.href, { method, redirect: 'manual', headers, ...(signal && { signal }) });
    } catch (cause) {
      throw networkFault(cause, `The request to ${url.host} for ${what}`);
    }
  }

  function nextOf({ answer, url }: Answered): URL | undefined {
    const location = answer.headers.get('location');
    if (location === null || answer.status < 300 || answer.status >= 400) return undefined;
    return URL.parse(location, url.href) ?? undefined;
  }

  const circle = (what: string) => new PullError('hub', `${endpoint} redirects ${what} in a circle`, adviceFor.hub);

  async function requireFile({ answer, url }: Answered, file: LayoutFile): Promise<void> {
    if (!answer.ok) {
      await answer.body?.cancel();
      const isStore = !isHub(url) || !isResolved(url);
      const { repo } = file;
      throw refusal(answer, { what: nameOf(file), repo, endpoint, url, isStore, hasToken: token !== undefined });
    }
    await requireNoPage({ answer, url }, nameOf(file));
  }

  async function requireNoPage({ answer, url }: Answered, what: string): Promise<void> {
    if (!/^text\/html\b/i.test(answer.headers.get('content-type') ?? '')) return;
    await answer.body?.cancel();
    throw new PullError(
      'intercepted',
      `${url.host} answered with a web page instead of ${what}`,
      'The answer may come from a proxy, from a login page of the network, or from another site. Open the address in a browser, or correct HF_ENDPOINT.',
    );
  }

  /** @returns undefined when the path does not exist, for example on a mirror that serves only files. */
  async function askApi(path: string, what: string, repo: string, signal?: AbortSignal): Promise<unknown> {
    let url = new URL(`${endpoint}/${path}`);
    for (let hops = 0; hops <= maxRedirects; hops++) {
      const answer = await ask('GET', url, what, {}, signal);
      const next = nextOf({ answer, url });
      if (next === undefined) return await jsonOf({ answer, url }, what, repo);
      await answer.body?.cancel();
      url = next;
    }
    throw circle(what);
  }

  async function jsonOf({ answer, url }: Answered, what: string, repo: string): Promise<unknown> {
    if (answer.ok) {
      await requireNoPage({ answer, url }, what);
      return await answer.json().catch((cause) => {
        if (cause instanceof SyntaxError) return undefined;
        throw networkFault(cause, `The response of ${url.host} with ${what}`);
      });
    }
    await answer.body?.cancel();
    const isAbsent = [400, 404, 405, 501].includes(answer.status) && answer.headers.get('x-error-code') === null;
    if (isAbsent || !isHub(url)) return undefined;
    throw refusal(answer, { what, repo, endpoint, url, isStore: false, hasToken: token !== undefined });
  }

  /** If a server or proxy does not allow HEAD, requests the first byte of the file instead. */
  async function askForHead(url: URL, file: LayoutFile, signal?: AbortSignal): Promise<Response> {
    const answer = await ask('HEAD', url, nameOf(file), {}, signal);
    if (answer.status !== 405 && answer.status !== 501) return answer;
    const instead = await ask('GET', url, nameOf(file), { range: 'bytes=0-0' }, signal);
    await instead.body?.cancel();
    return instead;
  }

  const open: Hub['open'] = async (file, { offset, etag }, signal) => {
    const ranged = offset > 0 ? { range: `bytes=${offset}-`, ...(etag !== undefined && { 'if-range': etag }) } : {};
    let url = foundAt.get(keyOf(file)) ?? urlOf(file);
    for (let hops = 0; hops <= maxRedirects; hops++) {
      const answer = await ask('GET', url, nameOf(file), ranged, signal);
      const next = nextOf({ answer, url });
      if (next !== undefined) {
        await answer.body?.cancel();
        url = next;
        continue;
      }
      // The offset is not before the end of the file (416), or the rest is compressed and cannot be decompressed alone.
      if (offset > 0 && (answer.status === 416 || (answer.status === 206 && isPacked(answer)))) {
        await answer.body?.cancel();
        return await open(file, { offset: 0 }, signal);
      }
      await requireFile({ answer, url }, file);
      const validator = answer.headers.get('etag');
      return {
        offset: startOf(answer, offset),
        total: totalOf(answer),
        ...(validator !== null && !validator.startsWith('W/') && { etag: validator }),
        body: bytesOf(answer, `The download of ${nameOf(file)} from ${url.host}`),
      };
    }
    throw circle(nameOf(file));
  };

  return {
    name: endpoint,
    kind: 'http',
    open,
    async list({ repo, revision }, signal) {
      const what = `the list of files of ${repo} at ${revision}`;
      return listingIn(await askApi(listPath(repo, revision), what, repo, signal));
    },
    async search(word, signal) {
      const what = `repositories named ${word}`;
      return foundIn(await askApi(searchPath(word, mostFound), what, '', signal));
    },
    async facts(file, signal) {
      let url = urlOf(file);
      const facts: FileFacts = {};
      for (let hops = 0; hops <= maxRedirects; hops++) {
        const answer = await askForHead(url, file, signal);
        Object.assign(facts, { ...factsOf(answer), ...facts });
        if (url.pathname.includes('/resolve/')) foundAt.set(keyOf(file), url);
        const next = nextOf({ answer, url });
        if (next === undefined) {
          // A file store on an origin of the hub may refuse HEAD. The hub has already stated its facts.
          if (!answer.ok && !isResolved(url) && facts.commit !== undefined) return facts;
          await requireFile({ answer, url }, file);
          const total = totalOf(answer);
          if (total !== undefined) facts.bytes ??= total;
          return facts;
        }
        // The file store knows no further facts, and its address may be valid for GET only.
        if ((facts.sha256 !== undefined && facts.bytes !== undefined) || !isHub(next)) return facts;
        url = next;
      }
      throw circle(nameOf(file));
    },
  };
}

const keyOf = ({ repo, revision, path }: LayoutFile) => `${repo}@${revision}:${path}`;

/**
 * Keeps the Response: when it is garbage-collected, Node's fetch cancels the unread stream, and the file seems to end
 * early.
 */
async function* bytesOf(answer: Response, what: string): AsyncGenerator<Uint8Array> {
  try {
    yield* answer.body ?? [];
  } catch (cause) {
    throw networkFault(cause, what);
  }
}
