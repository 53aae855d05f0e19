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
import { onUnanswered, watchAnswer } from '../../../web/http/unanswered.ts';

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
/** Set for a batch that has ended. */
let finishedAt: string | null;
let seen: Followed | undefined;
let follower: Follower;

const statusOf = (succeeded: number) => ({
  id: '1',
  state: 'running',
  startedAt: null,
  finishedAt,
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
  finishedAt = null;
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

describe('an ended batch', () => {
  beforeEach(async () => {
    finishedAt = '2026-01-01T00:00:00.000Z';
    follower.refresh();
    // The last read that was planned while the batch ran.
    await pass(6_000);
    requests.mockClear();
  });

  test('is not requested again while the requests of its view are answered', async () => {
    await pass(60_000);
    expect([requests.mock.calls.length, seen?.isInterrupted]).toEqual([0, false]);
  });

  test.each([
    ['hangs', 'hang', 10_300],
    ['refuses connections', 'refuse', 300],
  ] as const)('whose service %s is interrupted after a check, and reconnects', async (_, state, ms) => {
    service = state;
    follower.check();
    follower.check();
    await pass(ms);
    expect(requests).toHaveBeenCalledTimes(2);
    expect(seen?.isInterrupted).toBe(true);
    service = 'answer';
    await pass(16_000);
    expect(seen?.isInterrupted).toBe(false);
    requests.mockClear();
    await pass(60_000);
    expect(requests).not.toHaveBeenCalled();
  });
});

describe('a request of the page', () => {
  const listener = vi.fn();
  let end: () => void;
  beforeEach(() => {
    listener.mockClear();
    end = onUnanswered(listener);
  });
  afterEach(() => end());

  test('without an answer after 2 s is reported, and an answered one is not', async () => {
    const asked = Promise.withResolvers<Response>();
    const response = watchAnswer(() => asked.promise);
    await watchAnswer(() => Promise.resolve(new Response()));
    await pass(1_900);
    expect(listener).not.toHaveBeenCalled();
    await pass(200);
    expect(listener).toHaveBeenCalledTimes(1);
    asked.resolve(new Response());
    expect((await response).status).toBe(200);
  });

  test('that fails or that a proxy answers is reported, and a cancelled one is not', async () => {
    const failed = () => Promise.reject(new TypeError('Failed to fetch'));
    await watchAnswer(failed).catch(() => {});
    await watchAnswer(() => Promise.resolve(new Response(null, { status: 504 })));
    expect(listener).toHaveBeenCalledTimes(2);
    await watchAnswer(failed, AbortSignal.abort()).catch(() => {});
    expect(listener).toHaveBeenCalledTimes(2);
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
