import { adviceFor } from './network-fault.ts';
import { PullError } from './pull-error.ts';
import { waitStatedBy } from './rate-limit.ts';

/** The request that was refused. */
export interface Asked {
  /** The requested file, list or search, for messages. */
  what: string;
  /** Empty for a search. */
  repo: string;
  /** The address of the hub, without credentials. */
  endpoint: string;
  url: URL;
  /** True when the response came from a file store, which knows neither repositories nor tokens. */
  isStore: boolean;
  hasToken: boolean;
}

/** Returns the error for an unsuccessful response. The hub's `x-error-code` gives details. */
export function refusal(answer: Response, { what, repo, endpoint, url, isStore, hasToken }: Asked): PullError {
  const said = answer.headers.get('x-error-code');
  const detail = answer.headers.get('x-error-message');
  const status = `${answer.status}${said === null ? '' : ` ${said}`}${detail === null ? '' : `: ${detail}`}`;
  const waitMs = waitStatedBy(answer.headers);
  const wait = waitMs === undefined ? {} : { waitMs };

  if (isStore) {
    const advice = `Each attempt asks the hub for a new address. If the error persists, a proxy or firewall may refuse ${url.host}.`;
    return new PullError('hub', `${url.host}, the store of ${endpoint}, answered ${status} for ${what}`, advice, wait);
  }
  if (answer.status === 429) {
    const advice = `The hub allows each IP address a limited number of requests in 5 minutes${hasToken ? '' : '; with HF_TOKEN another limit applies'}. Wait a few minutes and run the same command again.`;
    return new PullError(
      'hub',
      `${url.host} refused the request, because this address sent too many (${status})`,
      advice,
      wait,
    );
  }
  if (answer.status === 408 || answer.status === 425 || answer.status >= 500) {
    return new PullError('hub', `${url.host} could not serve ${what} (${status})`, adviceFor.hub, wait);
  }

  const page = `${url.origin}/${repo}`;
  if (said === 'GatedRepo') {
    const advice = hasToken
      ? `The account of HF_TOKEN has no access to the repository yet: request access at ${page}.`
      : `Ask for access at ${page} with your account, then set HF_TOKEN to a token of the same account.`;
    return new PullError('gated', `${repo} is gated (${status})`, advice);
  }
  if (answer.status === 401 || answer.status === 403) {
    const advice = hasToken
      ? 'The hub does not accept HF_TOKEN for this repository: check that the token is valid and may read the repository.'
      : `The repository is private or does not exist: check its name at ${page}, or set HF_TOKEN.`;
    return new PullError('unauthorized', `${url.host} refuses ${what} (${status})`, advice);
  }
  if (answer.status === 407) {
    return new PullError(
      'network',
      `A proxy requires a password (${status})`,
      'Put the user name and password of the proxy into HTTPS_PROXY: http://user:password@host:port.',
    );
  }
  if (answer.status === 404 || answer.status === 410) {
    const kind = { RepoNotFound: 'repository', RevisionNotFound: 'revision' }[said ?? ''] ?? 'file';
    const advice = `Check source.repo, revision and layout of this model in the registry against ${page}.`;
    return new PullError('not_found', `${url.host} has no such ${kind}: ${what} (${status})`, advice);
  }
  return new PullError('not_found', `${url.host} answered ${status} for ${what}`, 'Check HF_ENDPOINT.');
}
