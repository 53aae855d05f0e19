import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';

/** An event of a batch, as sent to a reader: a client that follows the batch. */
export interface BatchEvent {
  /** The position in the event stream. A client that reconnects sends it to get the events after it. */
  id: string;
  event: 'state' | 'progress' | 'failure' | 'reset' | 'end';
  data: unknown;
}

/** Sends the events of batches to readers (clients). Each process reads an event stream only once for all of them. */
export interface Follower {
  /**
   * Returns the events after `lastId` until the batch has ended, or without `lastId` the present status and then new
   * events.
   * @param status reads the status as the tenant sees it. Throws when the batch was deleted.
   * @returns undefined when the reader has received the last event of the batch.
   */
  follow(
    batchId: string,
    status: () => Promise<BatchStatus>,
    lastId: string | undefined,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<BatchEvent> | undefined>;
  close(): void;
}

type Entry = [id: string, fields: string[]];

interface Feed {
  cursor: string;
  readers: Set<Reader>;
  timer: NodeJS.Timeout;
  idlePolls: number;
}

interface Reader {
  entries: Entry[];
  /**
   * True when the reader was too slow. Its entries were dropped from memory, so it must read the stream in Redis again.
   */
  lagging: boolean;
  gone: boolean;
  wake(): void;
}

const pollMs = 200;
/**
 * The maximum number of entries that wait in memory for one reader. An entry may have some KB of failures, and a
 * process thousands of readers.
 */
const maxBehind = 100;
const pageSize = 50;
/** The number of polls without new entries after which the existence of the batch is checked. */
const idlePollsPerCheck = 25;

export function createFollower(redis: Redis): Follower {
  const feeds = new Map<string, Feed>();

  async function poll(batchId: string, feed: Feed): Promise<void> {
    try {
      const { events, batch } = batchKeys(redis, batchId);
      for (let page: Page | undefined; page === undefined || page.entries.length === pageSize; ) {
        page = await readAfter(redis, events, feed.cursor);
        feed.cursor = page.entries.at(-1)?.[0] ?? feed.cursor;
        feed.idlePolls = page.entries.length > 0 ? 0 : feed.idlePolls + 1;
        const gone = feed.idlePolls % idlePollsPerCheck === idlePollsPerCheck - 1 && (await redis.exists(batch)) === 0;
        for (const reader of feed.readers) {
          if (page.gap || reader.entries.length + page.entries.length > maxBehind) reader.lagging = true;
          else reader.entries.push(...page.entries);
          reader.gone ||= gone;
          reader.wake();
        }
      }
    } catch {
      // Redis is unavailable. The next poll tries again.
    }
    if (feed.readers.size > 0) feed.timer = setTimeout(() => void poll(batchId, feed), pollMs);
  }

  async function join(batchId: string): Promise<Reader> {
    const reader: Reader = { entries: [], lagging: false, gone: false, wake: () => {} };
    let feed = feeds.get(batchId);
    if (feed === undefined) {
      const [last] = await redis.xrevrange(batchKeys(redis, batchId).events, '+', '-', 'COUNT', 1);
      feed = feeds.get(batchId);
      if (feed === undefined) {
        feed = { cursor: last?.[0] ?? '0-0', readers: new Set(), timer: setTimeout(() => {}), idlePolls: 0 };
        feeds.set(batchId, feed);
      }
    }
    feed.readers.add(reader);
    if (feed.readers.size === 1) {
      const started = feed;
      started.timer = setTimeout(() => void poll(batchId, started), pollMs);
    }
    return reader;
  }

  function leave(batchId: string, reader: Reader): void {
    const feed = feeds.get(batchId);
    feed?.readers.delete(reader);
    if (feed === undefined || feed.readers.size > 0) return;
    clearTimeout(feed.timer);
    feeds.delete(batchId);
  }

  async function* read(
    batchId: string,
    status: () => Promise<BatchStatus>,
    seen: Place | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<BatchEvent> {
    const { events } = batchKeys(redis, batchId);
    // The reader joins first, so that it misses no entries that are added while it reads earlier ones.
    const reader = await join(batchId);
    const onAbort = () => reader.wake();
    signal.addEventListener('abort', onAbort);
    try {
      let place: Place;
      if (seen !== undefined && (await redis.xrange(events, seen.entry, seen.entry)).length > 0) place = seen;
      else {
        const [start, first] = await beginAnew(redis, events, status, seen === undefined ? 'state' : 'reset');
        yield first;
        if (isFinal(first)) return yield { ...first, event: 'end' };
        place = start;
      }
      for (;;) {
        // First yields the entries in Redis, then those that `poll` reads for all readers. A reader that is too slow
        // starts again.
        for (let page: Page | undefined; page === undefined || page.entries.length >= pageSize; ) {
          // Includes the entry of the last event that the reader received, which may have further events.
          page = await readAfter(redis, events, place.entry);
          if (page.gap) {
            const [start, reset] = await beginAnew(redis, events, status, 'reset');
            yield reset;
            if (isFinal(reset)) return yield { ...reset, event: 'end' };
            place = start;
            page = undefined;
            continue;
          }
          const cutOff = page.at !== undefined && place.part < lastPart ? [page.at] : [];
          for (const entry of [...cutOff, ...page.entries]) {
            for (const event of await eventsOf(entry, status)) {
              if (entry[0] === place.entry && (placeOf(event.id)?.part ?? 0) <= place.part) continue;
              yield event;
              if (event.event === 'end') return;
            }
            place = { entry: entry[0], part: lastPart };
          }
        }
        while (!reader.lagging) {
          if (signal.aborted || reader.gone) return;
          const entry = reader.entries.shift();
          if (entry === undefined) {
            await new Promise<void>((resolve) => {
              reader.wake = resolve;
            });
          } else if (isLater(entry[0], place.entry)) {
            for (const event of await eventsOf(entry, status)) {
              yield event;
              if (event.event === 'end') return;
            }
            place = { entry: entry[0], part: lastPart };
          }
        }
        reader.entries = [];
        reader.lagging = false;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      leave(batchId, reader);
    }
  }

  return {
    async follow(batchId, status, lastId, signal) {
      const seen = lastId === undefined ? undefined : placeOf(lastId);
      if (seen !== undefined) {
        const [last] = await redis.xrevrange(batchKeys(redis, batchId).events, '+', '-', 'COUNT', 1);
        if (last !== undefined && last[0] === seen.entry && fieldsOf(last).get('type') === 'end') return undefined;
      }
      return read(batchId, status, seen ?? (lastId === undefined ? undefined : { entry: '0-0', part: 0 }), signal);
    },
    close() {
      for (const feed of feeds.values()) {
        clearTimeout(feed.timer);
        for (const reader of feed.readers) {
          reader.gone = true;
          reader.wake();
        }
      }
      feeds.clear();
    },
  };
}

/**
 * Starts a reader without earlier events. Returns the position of the last entry, and an event with the present status.
 */
async function beginAnew(
  redis: Redis,
  events: string,
  status: () => Promise<BatchStatus>,
  event: 'state' | 'reset',
): Promise<[Place, BatchEvent]> {
  const [last] = await redis.xrevrange(events, '+', '-', 'COUNT', 1);
  const place: Place = { entry: last?.[0] ?? '0-0', part: lastPart };
  return [place, { id: `${place.entry}/${place.part}`, event, data: await status() }];
}

const isFinal = ({ data }: BatchEvent): boolean => (data as BatchStatus).finishedAt !== null;

/**
 * Entries that follow a known entry (`at`). `gap` is true when the stream no longer contains it, so that others may be
 * missing too.
 */
interface Page {
  at?: Entry;
  entries: Entry[];
  gap: boolean;
}

async function readAfter(redis: Redis, events: string, cursor: string): Promise<Page> {
  const [first, ...entries] = (await redis.xrange(events, cursor, '+', 'COUNT', pageSize + 1)) as Entry[];
  if (first?.[0] === cursor) return { at: first, entries, gap: false };
  // `0-0` is before the first entry, so nothing was missed.
  const all = first === undefined ? [] : [first, ...entries];
  return { entries: all, gap: cursor !== '0-0' && all.length > 0 };
}

/** More than the number of events in any entry: all of them have been received. */
const lastPart = 1_000_000;

/**
 * An entry of the event stream, and the number of an event in it. Each chunk adds one entry with one or several events.
 */
interface Place {
  entry: string;
  part: number;
}

function placeOf(id: string): Place | undefined {
  const match = /^(\d{1,15}-\d{1,15})\/(\d{1,7})$/.exec(id);
  return match?.[1] === undefined ? undefined : { entry: match[1], part: Number(match[2]) };
}

const fieldsOf = ([, fields]: Entry): Map<string, string> =>
  new Map(Array.from({ length: fields.length / 2 }, (_, at) => [fields[2 * at] ?? '', fields[2 * at + 1] ?? '']));

async function eventsOf(entry: Entry, status: () => Promise<BatchStatus>): Promise<BatchEvent[]> {
  const fields = fieldsOf(entry);
  const number = (name: string) => Number(fields.get(name) ?? 0);
  const bodies: Omit<BatchEvent, 'id'>[] = [];
  switch (fields.get('type')) {
    case 'state':
      bodies.push({ event: 'state', data: { state: fields.get('state') } });
      break;
    case 'progress': {
      const [total, succeeded, failed] = [number('total'), number('succeeded'), number('failed')];
      const samples: unknown[] = JSON.parse(fields.get('samples') || '[]');
      for (const sample of Array.isArray(samples) ? samples : []) bodies.push({ event: 'failure', data: sample });
      bodies.push({
        event: 'progress',
        data: { items: { total, succeeded, failed, pending: total - succeeded - failed } },
      });
      break;
    }
    case 'end':
      bodies.push({ event: 'end', data: await status() });
      break;
  }
  return bodies.map((body, part) => ({ id: `${entry[0]}/${part}`, ...body }));
}

function isLater(a: string, b: string): boolean {
  const [aMs = 0, aSeq = 0] = a.split('-').map(Number);
  const [bMs = 0, bSeq = 0] = b.split('-').map(Number);
  return aMs > bMs || (aMs === bMs && aSeq > bSeq);
}
