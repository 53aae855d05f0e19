import { createFloor } from '../floor.ts';
import { createProcessorUse, type ProcessorUse } from '../processor-use.ts';
import type { Embedded } from './protocol.ts';

export type Run = Pick<Embedded, 'embedding' | 'inferenceMs' | 'runInputs'>;

/** The queue of one tower: inputs that wait for their run. */
export interface Lane<Input> {
  add(input: Input, interactive: boolean, tenant?: string): Promise<Run>;
  hasInteractive(): boolean;
  /** Tenants with waiting entries of this kind. */
  tenants(kind: 'interactive' | 'batch'): string[];
  isInteractiveLately(): boolean;
  /** Number of waiting batch entries, and the time at which the first arrived. */
  waiting(): number;
  since(): number | undefined;
  /** True when batch entries have waited so long that they go before interactive ones. */
  isBatchDue(): boolean;
  /**
   * Runs the next entries.
   * @param isBatchFirst batch entries go before interactive ones.
   * @returns the kind of the entries.
   */
  runNext(isBatchFirst?: boolean): Promise<'interactive' | 'batch'>;
  /** Maximum inputs of the next batch run. */
  allowed(): number;
  /** Maximum inputs of a run; can be set. */
  size: number;
}

export interface LaneOptions<Input> {
  size: number;
  /** @param onBegin called when the run begins, if it had to wait for another one. */
  encode(inputs: Input[], onBegin: () => void): Promise<Float32Array[]>;
  /** Called when the device had no memory for a run, with the size used from now on. */
  onShrunk?: (size: number) => void;
  onRun?: (inputs: number, milliseconds: number) => void;
  /** The account to which each tenant's share of a run is charged. */
  use?: ProcessorUse;
  now?: () => number;
}

/** After an interactive request, batch runs stay short for this long (ms). */
const interactiveForMs = 30_000;
/** A short batch run takes at most this many times the time of a run over one input. */
const interactiveCap = 2.5;
/** Weight of the latest run in the running mean of times. */
const weight = 0.2;

const outOfMemory = /out of memory|failed to allocate|OUT_OF_MEMORY|BFCArena|cudaErrorMemoryAllocation|E_OUTOFMEMORY/i;

/**
 * Creates a lane. Interactive inputs run before the others and never share a run with them, so their latency does not
 * depend on batches. While interactive requests arrive, the time of batch runs is capped, since a run cannot be
 * stopped, and one batch run a second goes first. The caller may let more go first.
 */
export function createLane<Input>({
  size,
  encode,
  onShrunk = () => {},
  onRun = () => {},
  now = () => performance.now(),
  use = createProcessorUse(undefined, now),
}: LaneOptions<Input>): Lane<Input> {
  interface Entry {
    input: Input;
    tenant: string;
    at: number;
    resolve(run: Run): void;
    reject(error: unknown): void;
  }
  const interactive: Entry[] = [];
  let bulk: Entry[] = [];
  const floor = createFloor(now);
  let lastInteractive = Number.NEGATIVE_INFINITY;
  /**
   * Running means (ms): a run over one input; the time per input of larger runs; the time that each input beyond the
   * first adds to these.
   */
  let single: number | undefined;
  let each: number | undefined;
  let more: number | undefined;

  const mean = (before: number | undefined, value: number) =>
    before === undefined ? value : before + weight * (value - before);

  const isInteractiveLately = () => now() - lastInteractive <= interactiveForMs;

  function allowed(): number {
    if (!isInteractiveLately()) return lane.size;
    const perInput = each ?? single;
    if (perInput === undefined) return lane.size;
    // Before the first run over one input, its time is at least the time per input of a larger run.
    const alone = single ?? perInput;
    const asShares = Math.floor((interactiveCap * alone) / perInput);
    // On a GPU a run over 8 images takes as long as one over a single image. By the time per input, a run that follows
    // short ones would be limited to a few inputs for ever.
    const asAdded = more === undefined ? 1 : 1 + Math.floor(((interactiveCap - 1) * alone) / Math.max(more, 1e-6));
    return Math.max(1, Math.min(lane.size, Math.max(asShares, asAdded)));
  }

  async function run(entries: readonly Entry[], isInteractive: boolean): Promise<void> {
    let start = now();
    try {
      const embeddings = await encode(
        entries.map((entry) => entry.input),
        () => {
          start = now();
        },
      );
      const inferenceMs = now() - start;
      for (const { tenant } of entries) use.charge(tenant, isInteractive, inferenceMs / entries.length);
      onRun(entries.length, inferenceMs);
      if (entries.length === 1) single = mean(single, inferenceMs);
      else {
        each = mean(each, inferenceMs / entries.length);
        if (single !== undefined) more = mean(more, Math.max(0, (inferenceMs - single) / (entries.length - 1)));
      }
      for (const [row, entry] of entries.entries()) {
        const embedding = embeddings[row];
        if (embedding) entry.resolve({ embedding, inferenceMs, runInputs: entries.length });
        else entry.reject(new Error('The tower returned fewer rows than expected'));
      }
    } catch (error) {
      if (entries.length > 1 && outOfMemory.test(String(error))) {
        const half = Math.ceil(entries.length / 2);
        lane.size = Math.min(lane.size, half);
        onShrunk(lane.size);
        await run(entries.slice(0, half), isInteractive);
        await run(entries.slice(half), isInteractive);
        return;
      }
      for (const entry of entries) entry.reject(error);
    }
  }

  /**
   * Takes the entries of the next batch run: the tenants in turn, the one with the least use first, each with its
   * oldest entry.
   */
  function takeOfBatches(count: number): Entry[] {
    const byTenant = Map.groupBy(bulk, ({ tenant }) => tenant);
    if (byTenant.size === 1) return bulk.splice(0, count);
    const order = [...byTenant].map(([tenant, entries]) => ({ entries, used: use.all.of(tenant) }));
    order.sort((a, b) => a.used - b.used);
    const taken = new Set<Entry>();
    for (let round = 0; taken.size < Math.min(count, bulk.length); round++) {
      for (const { entries } of order) {
        const entry = entries[round];
        if (entry !== undefined && taken.size < count) taken.add(entry);
      }
    }
    bulk = bulk.filter((entry) => !taken.has(entry));
    return [...taken];
  }

  const lane: Lane<Input> = {
    size,
    add: (input, first, tenant = '') =>
      new Promise((resolve, reject) => {
        if (first) lastInteractive = now();
        (first ? interactive : bulk).push({ input, tenant, at: now(), resolve, reject });
      }),
    tenants: (kind) => (kind === 'interactive' ? interactive : bulk).map(({ tenant }) => tenant),
    isInteractiveLately,
    hasInteractive: () => interactive.length > 0,
    allowed,
    waiting: () => bulk.length,
    since: () => bulk[0]?.at,
    isBatchDue: () => floor.isDue(bulk[0]?.at),
    async runNext(isBatchFirst = false) {
      const isBatchNext = bulk.length > 0 && (isBatchFirst || lane.isBatchDue());
      if (interactive.length > 0 && !isBatchNext) {
        await run(interactive.splice(0, lane.size), true);
        return 'interactive';
      }
      await run(takeOfBatches(allowed()), false);
      floor.hadTurn();
      return 'batch';
    },
  };
  return lane;
}
