import { useEffect, useState } from 'preact/hooks';
import type { BatchStatus, BatchList as Page } from '../../shared/contracts/batch.ts';
import { fetchJson, RequestFailed } from '../http/client.ts';
import { usePolled } from '../http/use-polled.ts';
import { useHashQuery } from '../shell/hash-query.ts';
import { addressOf } from '../shell/route.ts';
import { Badge } from '../ui/badge.tsx';
import { useDroppedFile } from '../ui/dropped-file.ts';
import * as numbers from '../ui/numbers.ts';
import { ProblemBox } from '../ui/problem.tsx';
import { NewView } from './new-view.tsx';
import { ProgressBar } from './progress.tsx';
import { stateWords } from './state.ts';

const pageSize = 20;
const liveMs = 2_000;
const quietMs = 10_000;

/** The states of each filter, as the API has them. */
const stateFilters: [name: string, states: string][] = [
  ['', ''],
  ['running', 'accepting,queued,running'],
  ['done', 'completed,completed_with_errors'],
  ['done with failures', 'completed_with_errors'],
  ['failed', 'failed'],
  ['cancelled', 'cancelled'],
];

const listQuery = (states: string, cursor = ''): URLSearchParams =>
  new URLSearchParams({
    limit: String(pageSize),
    ...(states !== '' && { state: states }),
    ...(cursor !== '' && { cursor }),
  });

/** Returns true when a batch has the searched text in its name, tags, id or model. */
function matches({ id, name, tags, model }: BatchStatus, search: string): boolean {
  const words = [name ?? '', ...tags, id, model].join(' ').toLowerCase();
  return words.includes(search.trim().toLowerCase());
}

/** Lists the batches of this tenant, the latest first. */
export function ListView() {
  const [dropped, setDropped] = useState<File>();
  useDroppedFile(setDropped);
  return dropped === undefined ? <BatchList /> : <NewView dropped={dropped} />;
}

function BatchList() {
  const { query, set } = useHashQuery();
  const state = query.get('state') ?? '';
  const search = query.get('q') ?? '';
  const states = stateFilters.find(([name]) => name === state)?.[1] ?? '';
  const { value, failure, reload } = usePolled(
    `batches ${states}`,
    (signal) => fetchJson<Page>(`v1/evaluation/batch?${listQuery(states)}`, { signal }),
    (list) => (list?.batches.some(({ finishedAt }) => finishedAt === null) ? liveMs : quietMs),
  );
  const older = useOlder(value, states);
  const loaded = [...(value?.batches ?? []), ...older.batches];
  const batches = loaded.filter((batch) => matches(batch, search));
  return (
    <>
      <div class="heading">
        <h1>Batches</h1>
        <a class="button primary" href={addressOf.newBatch}>
          New batch
        </a>
      </div>
      {failure !== undefined && <ProblemBox failure={failure} retry={reload} />}
      {value !== undefined && (loaded.length > 0 || states !== '') && (
        <search class="filters">
          <label class="filter search">
            <span>Search</span>
            <input
              type="search"
              dir="auto"
              placeholder="Name, id or model"
              value={search}
              onInput={(event) => set({ q: event.currentTarget.value })}
            />
          </label>
          <label class="filter">
            <span>State</span>
            <select value={state} onChange={(event) => set({ state: event.currentTarget.value })}>
              {stateFilters.map(([name]) => (
                <option key={name} value={name}>
                  {name === '' ? 'all' : name}
                </option>
              ))}
            </select>
          </label>
        </search>
      )}
      {value !== undefined && batches.length === 0 && (loaded.length > 0 || states !== '') && (
        <p class="empty">No batch matches.</p>
      )}
      {value !== undefined && loaded.length === 0 && states === '' && (
        <div class="empty">
          <p>No batches yet.</p>
          <p class="soft">
            A batch scores every row of a file: CSV, NDJSON, Parquet or a tar of images.{' '}
            <a href={addressOf.newBatch}>Start one</a>.
          </p>
        </div>
      )}
      <ul class="batches">
        {batches.map((batch) => (
          <li key={batch.id}>
            <BatchRow batch={batch} />
          </li>
        ))}
      </ul>
      {older.failure !== undefined && <ProblemBox failure={older.failure} />}
      {older.next !== null && (
        <button type="button" disabled={older.busy} onClick={() => void older.load()}>
          Older batches
        </button>
      )}
    </>
  );
}

/** Loads the pages after the first. Only the first page is polled. */
function useOlder(first: Page | undefined, states: string) {
  const [pages, setPages] = useState<Page[]>([]);
  useEffect(() => setPages([]), [states]);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<RequestFailed>();
  const next = pages.at(-1)?.next ?? (pages.length > 0 ? null : (first?.next ?? null));
  const shown = new Set(first?.batches.map(({ id }) => id));
  return {
    next,
    busy,
    failure,
    // New batches push other batches from the first page to later pages, so a later page may contain a batch of the
    // first page too.
    batches: pages.flatMap(({ batches }) => batches).filter(({ id }) => !shown.has(id)),
    async load(): Promise<void> {
      setBusy(true);
      try {
        const query = listQuery(states, next ?? '');
        const page = await fetchJson<Page>(`v1/evaluation/batch?${query}`);
        setPages((known) => [...known, page]);
        setFailure(undefined);
      } catch (error) {
        if (!(error instanceof RequestFailed)) throw error;
        setFailure(error);
      }
      setBusy(false);
    },
  };
}

function BatchRow({ batch }: { batch: BatchStatus }) {
  const { id, items, model, createdAt, itemsPerSecond, etaSeconds, finishedAt, retryOf } = batch;
  const [tone, word] = stateWords(batch);
  return (
    <a class="batch-row" href={addressOf.batch(id)}>
      <span class="batch-name cut" dir="auto">
        {retryOf === null ? (name ?? id.slice(0, 8)) : name === null ? `retry ${id.slice(0, 8)}` : `${name}, retried`}
      </span>
      <Badge tone={tone}>{word}</Badge>
      <ProgressBar items={items} />
      <span class="soft batch-facts">
        {numbers.count(items.total)} items
        {items.failed > 0 && `, ${numbers.count(items.failed)} failed`}, {model}
        {finishedAt === null && itemsPerSecond !== null && `, ${numbers.rate(itemsPerSecond)} items/s`}
        {finishedAt === null && etaSeconds !== null && `, ${numbers.duration(etaSeconds)} left`}
      </span>
      <span class="soft batch-time">{numbers.ago(createdAt)}</span>
    </a>
  );
}
