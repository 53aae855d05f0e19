import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import type { BatchSummary } from '../../shared/contracts/batch/summary.ts';
import { RequestFailed } from '../http/request-failed.ts';
import { answerMs, firstAnswerMs, withTimeLimit } from '../http/time-limit.ts';
import { addSample, type Sample } from './progress-samples.ts';
import { loadProgress, storeProgress } from './stored-progress.ts';

export interface Followed {
  status: BatchStatus | undefined;
  summary: BatchSummary | undefined;
  samples: readonly Sample[];
  isInterrupted: boolean;
  /** Set when the batch cannot be shown. */
  failure: RequestFailed | undefined;
}

export interface Follower {
  /** Reads the status and the summary again, and follows the events of a running batch. */
  refresh(): void;
  /** Stores the progress, which a reload of the page continues. */
  store(): void;
  /** Reads the batch once if a request of the view got no answer. If this fails, it reconnects. */
  check(): void;
  close(): void;
}

/** The part of an `EventSource` that this module uses. */
export interface EventStream {
  readonly readyState: number;
  onopen: ((event: Event) => void) | null;
  onerror: ((event: Event) => void) | null;
  addEventListener(name: string, listener: (event: Event) => void): void;
  close(): void;
}

/** Requests and events of the API, by paths. */
export interface BatchConnection {
  read<Body>(path: string, signal: AbortSignal): Promise<Body>;
  open(path: string): EventStream;
}

type ReceivedEvent = Event & { data: string; lastEventId: string };
const closedState = 2;

/** The minimum time in ms between two updates of the view. Many small chunks send more events than users can read. */
const drawMs = 200;
/** The minimum time in ms between two requests for data that events lack: the summary and the counts by error code. */
const refreshMs = 1_500;
/** The same while the summary lacks more than half of the scores, which the counts of the events show. */
const behindMs = 300;
/**
 * The time in ms after which a running batch is read again even without an event. Some changes have none, and a
 * connection may be lost without an error.
 */
const quietMs = 5_000;
const firstWaitMs = 1_000;
const longestWaitMs = 15_000;
/** The delays in ms after which a cancelled batch is read again, because chunks in flight may still end. */
const afterCancelMs = [1_500, 4_000];

/** Follows a batch by its events. After a reload or a broken connection, it resumes after the last received event. */
export function followBatch(id: string, connection: BatchConnection, onChange: (followed: Followed) => void): Follower {
  const path = `v1/evaluation/batch/${encodeURIComponent(id)}`;
  const stored = loadProgress(id);
  const gone = new AbortController();
  let followed: Followed = {
    status: undefined,
    summary: undefined,
    samples: stored.samples,
    isInterrupted: false,
    failure: undefined,
  };
  let { lastEventId } = stored;
  let source: EventStream | undefined;
  let waitMs = firstWaitMs;
  /** The reads of status and summary that have not ended. */
  let looks = 0;
  const timers = new Map<string, ReturnType<typeof setTimeout>>();

  /** Calls `action` after `ms`, unless a timer of this kind is running. */
  function later(kind: string, ms: number, action: () => void): void {
    if (timers.has(kind) || gone.signal.aborted) return;
    const run = () => {
      timers.delete(kind);
      action();
    };
    timers.set(kind, setTimeout(run, ms));
  }

  function change(more: Partial<Followed>): void {
    if (gone.signal.aborted) return;
    followed = { ...followed, ...more };
    later('draw', drawMs, () => onChange(followed));
  }

  function store(): void {
    storeProgress(id, { lastEventId, samples: [...followed.samples] });
  }

  async function begin(): Promise<void> {
    try {
      await look();
      change({ isInterrupted: false });
      if (followed.status?.finishedAt === null) {
        listen();
        lookWhileQuiet();
        return onChange(followed);
      }
      waitMs = firstWaitMs;
      if (followed.status?.state === 'cancelled') {
        for (const ms of afterCancelMs) later(`after-${ms}`, ms, () => void look().catch(() => {}));
      }
    } catch (error) {
      if (gone.signal.aborted) return;
      failed(error);
    }
    onChange(followed);
  }

  function failed(error: unknown): void {
    const isFinal = !(error instanceof RequestFailed) || [400, 401, 403, 404].includes(error.status);
    if (!isFinal) {
      interrupted();
      return;
    }
    source?.close();
    source = undefined;
    change({ failure: error as RequestFailed, isInterrupted: false });
  }

  function interrupted(): void {
    source?.close();
    source = undefined;
    change({ isInterrupted: true });
    if (timers.has('again')) return;
    later('again', waitMs, () => void begin());
    waitMs = Math.min(longestWaitMs, waitMs * 2);
  }

  /** Reads the status and the summary, which the view shows together. */
  async function look(): Promise<void> {
    const limitMs = followed.status === undefined ? firstAnswerMs : answerMs;
    looks++;
    try {
      const [status, summary] = await withTimeLimit(limitMs, gone.signal, (signal) =>
        Promise.all([
          connection.read<BatchStatus>(path, signal),
          connection.read<BatchSummary>(`${path}/summary`, signal),
        ]),
      );
      change({ summary, failure: undefined });
      takeStatus(status);
    } finally {
      looks--;
    }
  }

  /** Reads the batch to detect a lost connection. Events and requests of a connection that hangs have no error. */
  async function check(): Promise<void> {
    if (looks > 0 || timers.has('again') || followed.failure !== undefined || gone.signal.aborted) return;
    try {
      await look();
      change({ isInterrupted: false });
    } catch (error) {
      const isRefusal = error instanceof RequestFailed && error.status === 429;
      if (!gone.signal.aborted && !isRefusal) failed(error);
    }
  }

  function lookWhileQuiet(): void {
    later('quiet', quietMs, async () => {
      await check();
      if (followed.status?.finishedAt === null && followed.failure === undefined) lookWhileQuiet();
    });
  }

  /** Stores a requested status, but keeps the counts of items if events have brought newer ones. */
  function takeStatus(status: BatchStatus): void {
    const known = followed.status;
    const isOlder = known !== undefined && status.finishedAt === null && doneOf(known) > doneOf(status);
    change({ status: isOlder ? { ...status, items: known.items } : status });
    if (followed.samples.length === 0 && status.startedAt !== null) sample(Date.parse(status.startedAt), 0);
  }

  function sample(atMs: number, done: number): void {
    change({ samples: addSample(followed.samples, [atMs, done]) });
  }

  function listen(): void {
    const query = lastEventId === undefined ? '' : `?lastEventId=${encodeURIComponent(lastEventId)}`;
    source?.close();
    const opened = connection.open(`${path}/events${query}`);
    source = opened;
    opened.onopen = () => {
      waitMs = firstWaitMs;
      if (followed.isInterrupted) void check();
    };
    opened.onerror = () => {
      change({ isInterrupted: true });
      // The browser itself reconnects unless the source is closed. A closed source means a refusal, or the end of the
      // batch.
      if (opened.readyState === closedState) interrupted();
    };
    for (const name of ['state', 'reset', 'progress', 'failure', 'end'] as const) {
      opened.addEventListener(name, (event) => onEvent(name, event as ReceivedEvent));
    }
  }

  function onEvent(name: 'state' | 'reset' | 'progress' | 'failure' | 'end', event: ReceivedEvent): void {
    lastEventId = event.lastEventId;
    if (name === 'failure') return;
    const data: Partial<BatchStatus> = JSON.parse(event.data);
    const known = followed.status;
    if (name === 'end') {
      source?.close();
      source = undefined;
    }
    if (data.id !== undefined) takeStatus(data as BatchStatus);
    else if (known !== undefined && data.items !== undefined) {
      const items = { ...known.items, ...data.items };
      if (items.succeeded + items.failed >= doneOf(known)) change({ status: { ...known, items } });
    } else if (known !== undefined && data.state !== undefined) change({ status: { ...known, state: data.state } });
    // An event id begins with the time at which the service wrote the event. Before the first event, this is 0.
    const atMs = Number(lastEventId.split('-', 1)[0]);
    if (atMs > 0 && data.items !== undefined) sample(atMs, data.items.succeeded + data.items.failed);
    later('keep', refreshMs, store);
    if (name === 'end') {
      store();
      void begin();
    } else {
      later('ask', refreshMs, () => void check());
      const { status, summary } = followed;
      if (status !== undefined && 2 * (summary?.succeeded ?? 0) < status.items.succeeded) {
        later('behind', behindMs, () => void check());
      }
    }
  }

  void begin();
  return {
    refresh: () => void begin(),
    store,
    check: () => void check(),
    close() {
      store();
      gone.abort();
      source?.close();
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}

const doneOf = ({ items }: BatchStatus): number => items.succeeded + items.failed + items.cancelled;
