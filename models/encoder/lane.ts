import { createFloor } from '../floor.ts';
import { createProcessorUse, type ProcessorUse } from '../processor-use.ts';
import type { Embedded } from './protocol.ts';

export type Run = Pick<Embedded, 'embedding' | 'inferenceMs' | 'runInputs'>;

/** The queue of inputs for the vision or the text model. */
export interface Lane<Input> {
  add(input: Input, interactive: boolean, tenant?: string): Promise<Run>;
  hasInteractive(): boolean;
  /** Returns the tenants of all waiting inputs of this kind, with repetitions. */
  tenants(kind: 'interactive' | 'batch'): string[];
  isInteractiveLately(): boolean;
  /** Counts waiting batch inputs. */
  waiting(): number;
  since(): number | undefined;
  /** Returns true when batch inputs have waited so long that they run before interactive inputs. */
  isBatchDue(): boolean;
  runNext(isBatchFirst?: boolean): Promise<'interactive' | 'batch'>;
  /** Returns the maximum number of inputs of the next batch run. */
  allowed(): number;
  size: number;
}

export interface LaneOptions<Input> {
  size: number;
  /** @param onBegin called when the run begins, if it first had to wait for another run. */
  encode(inputs: Input[], onBegin: () => void): Promise<Float32Array[]>;
  /** Called when device memory did not suffice. `size` is the new maximum number of inputs in a run. */
  onShrunk?: (size: number) => void;
  onRun?: (inputs: number, milliseconds: number) => void;
  use?: ProcessorUse;
  now?: () => number;
}

/** Batch runs stay short until this time in ms after the last interactive request. */
const interactiveForMs = 30_000;
/** While interactive requests are recent, a batch run may take this many times as long as a run over one input. */
const interactiveCap = 2.5;
/** The weight of the latest run in the moving averages. */
const weight = 0.2;

const outOfMemory = /out of memory|failed to allocate|OUT_OF_MEMORY|BFCArena|cudaErrorMemoryAllocation|E_OUTOFMEMORY/i;

/**
 * Creates a queue. Interactive inputs never share a run with batch inputs, so their latency does not depend on batches.
 * A run cannot be stopped, so batch runs stay short while interactive requests are recent.
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
   * Moving averages in ms: a run over one input; the time per input of larger runs; the time that each further input
   * adds.
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
    // Until a run over one input is measured, the time per input of larger runs is a lower bound.
    const alone = single ?? perInput;
    const asShares = Math.floor((interactiveCap * alone) / perInput);
    // On a GPU, 8 images take as long as one. The time per input is then high in short runs, and a limit from it alone
    // would never grow.
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
        else entry.reject(new Error('The model returned fewer embeddings than inputs'));
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
   * Removes the inputs of a batch run. In each round, each tenant gives its oldest input, the tenant with the least
   * processor time first.
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
