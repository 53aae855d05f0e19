import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type BatchConnection,
  type EventStream,
  type Followed,
  type Follower,
  followBatch,
} from '../../../web/batches/follow.ts';
import { noAnswer, RequestFailed } from '../../../web/http/request-failed.ts';
import { withTimeLimit } from '../../../web/http/time-limit.ts';

class Stream extends EventTarget implements EventStream {
  static opened: Stream[] = [];
  readyState = 0;
  onopen: EventStream['onopen'] = null;
  onerror: EventStream['onerror'] = null;
  constructor() {
    super();
    Stream.opened.push(this);
  }
  close(): void {
    this.readyState = 2;
  }
  report(event: 'open' | 'error'): void {
    this[`on${event}`]?.(new Event(event));
  }
  send(name: string, lastEventId: string, data: object): void {
    this.dispatchEvent(Object.assign(new Event(name), { lastEventId, data: JSON.stringify(data) }));
  }
}

/** The items that the service has scored. */
let scored: number;
/** `hang` accepts requests and does not answer; `refuse` has no connection. */
let service: 'answer' | 'hang' | 'refuse' | 'gone';
let seen: Followed | undefined;
let follower: Follower;

const statusOf = (succeeded: number) => ({
  id: '1',
  state: 'running',
  startedAt: null,
  finishedAt: null,
  items: { total: 100, succeeded, failed: 0, cancelled: 0, pending: 100 - succeeded },
});

const requests = vi.fn((path: string, signal: AbortSignal): Promise<unknown> => {
  if (service === 'refuse') return Promise.reject(noAnswer());
  if (service === 'gone') return Promise.reject(new RequestFailed(404, 'Not found', 'There is no batch 1'));
  if (service === 'hang')
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  return Promise.resolve(path.endsWith('/summary') ? { succeeded: scored } : statusOf(scored));
});
const connection: BatchConnection = {
  read: <Body>(path: string, signal: AbortSignal) => requests(path, signal) as Promise<Body>,
  open: () => new Stream(),
};

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const counts = () => [seen?.status?.items.succeeded, seen?.summary?.succeeded];

beforeEach(async () => {
  vi.useFakeTimers();
  Stream.opened = [];
  [scored, service, seen] = [10, 'answer', undefined];
  follower = followBatch('1', connection, (followed) => {
    seen = followed;
  });
  await pass(0);
  Stream.opened[0]?.report('open');
  await pass(300);
});
afterEach(() => {
  follower.close();
  vi.useRealTimers();
});

describe('a running batch', () => {
  test('whose service hangs is interrupted within 16 s, and shows chart and counts together afterwards', async () => {
    expect(seen?.isInterrupted).toBe(false);
    service = 'hang';
    await pass(16_000);
    expect(seen?.isInterrupted).toBe(true);
    expect(counts()).toEqual([10, 10]);
    service = 'answer';
    scored = 60;
    await pass(16_000);
    expect(seen?.isInterrupted).toBe(false);
    expect(counts()).toEqual([60, 60]);
    expect(Stream.opened.map(({ readyState }) => readyState)).toEqual([2, 0]);
  });

  test('shows its first scores with the counts, and later ones at a slower pace', async () => {
    requests.mockClear();
    scored = 60;
    Stream.opened[0]?.send('progress', '1-0', { items: { succeeded: 60 } });
    await pass(600);
    expect(counts()).toEqual([60, 60]);
    expect(requests).toHaveBeenCalledTimes(2);
    scored = 70;
    Stream.opened[0]?.send('progress', '2-0', { items: { succeeded: 70 } });
    await pass(600);
    expect(counts()).toEqual([70, 60]);
  });

  test('whose requests fail takes no counts from events that the chart cannot follow', async () => {
    service = 'refuse';
    const [source] = Stream.opened;
    source?.send('progress', '1-0', { items: { succeeded: 20 } });
    await pass(2_000);
    expect(seen?.isInterrupted).toBe(true);
    expect(source?.readyState).toBe(2);
    service = 'answer';
    scored = 60;
    await pass(16_000);
    expect(seen?.isInterrupted).toBe(false);
    expect(counts()).toEqual([60, 60]);
  });

  test('whose events return after an interruption shows chart and counts of the same time', async () => {
    const [source] = Stream.opened;
    source?.report('error');
    await pass(300);
    expect(seen?.isInterrupted).toBe(true);
    scored = 60;
    source?.report('open');
    await pass(300);
    expect(seen?.isInterrupted).toBe(false);
    expect(counts()).toEqual([60, 60]);
  });

  test('that another user deletes is named as absent, and is requested no more', async () => {
    service = 'gone';
    await pass(6_000);
    expect([seen?.failure?.status, seen?.isInterrupted]).toEqual([404, false]);
    requests.mockClear();
    await pass(60_000);
    expect(requests).not.toHaveBeenCalled();
  });
});

test('a request that gets no answer fails at its limit as a lost connection, but not when its view is gone', async () => {
  const hanging = (signal: AbortSignal) => requests('', signal);
  service = 'hang';
  const limited = withTimeLimit(10_000, new AbortController().signal, hanging).catch((error: unknown) => error);
  await pass(10_000);
  expect(await limited).toMatchObject({ name: 'RequestFailed', status: 0 });
  const gone = new AbortController();
  const left = withTimeLimit(10_000, gone.signal, hanging).catch((error: unknown) => error);
  gone.abort();
  expect(await left).not.toBeInstanceOf(RequestFailed);
});
