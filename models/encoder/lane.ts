import { createFloor } from '../floor.ts';
import { createProcessorUse, type ProcessorUse } from '../processor-use.ts';
import type { Embedded } from './protocol.ts';

export type Run = Pick<Embedded, 'embedding' | 'inferenceMs' | 'runInputs'>;

/** A lane: the queue of one tower, whose inputs wait for a run of this tower. */
export interface Lane<Input> {
  add(input: Input, interactive: boolean, tenant?: string): Promise<Run>;
  hasInteractive(): boolean;
  /** Returns the tenants that have waiting inputs of this kind. */
  tenants(kind: 'interactive' | 'batch'): string[];
  isInteractiveLately(): boolean;
  /** Returns the number of waiting batch inputs. */
  waiting(): number;
  since(): number | undefined;
  /** Returns true when batch inputs have waited so long that they run before interactive inputs. */
  isBatchDue(): boolean;
  /**
   * Runs the tower over the next inputs of the queue.
   * @param isBatchFirst true when batch inputs run before interactive inputs.
   * @returns the kind of the inputs that ran.
   */
  runNext(isBatchFirst?: boolean): Promise<'interactive' | 'batch'>;
  /** Returns the maximum number of inputs of the next batch run. */
  allowed(): number;
  /** The maximum number of inputs in a run. Callers may change it. */
  size: number;
}

export interface LaneOptions<Input> {
  size: number;
  /** Runs a tower over inputs. @param onBegin called when the run begins, if it first had to wait for another run. */
  encode(inputs: Input[], onBegin: () => void): Promise<Float32Array[]>;
  /** Called when device memory did not suffice for a run. `size` is the new maximum number of inputs in a run. */
  onShrunk?: (size: number) => void;
  onRun?: (inputs: number, milliseconds: number) => void;
  /** Counts how much processor time each tenant has used. */
  use?: ProcessorUse;
  now?: () => number;
}

/** Batch runs are kept short until this time in ms after the last interactive request. */
const interactiveForMs = 30_000;
/** While interactive requests are recent, a batch run may take this many times as long as a run over one input. */
const interactiveCap = 2.5;
/** The weight of the latest run in the moving averages of run times. */
const weight = 0.2;

const outOfMemory = /out of memory|failed to allocate|OUT_OF_MEMORY|BFCArena|cudaErrorMemoryAllocation|E_OUTOFMEMORY/i;

/**
 * Creates the queue of one tower. Interactive inputs run before batch inputs and never share a run with them, so that
 * their latency does not depend on batches. A run cannot be stopped, so batch runs are kept short while interactive
 * requests arrive. Once a second, a batch run comes before interactive inputs. The caller of `runNext` may request
 * further batch runs first.
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
   * Moving averages in ms. `single`: the duration of a run over one input. `each`: the duration per input of larger
   * runs. `more`: the duration that each input after the first adds to a run.
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
    // Before the first run over one input, its duration is unknown. The duration per input of larger runs is a lower
    // bound, and is used instead.
    const alone = single ?? perInput;
    const asShares = Math.floor((interactiveCap * alone) / perInput);
    // On a GPU, a run over 8 images takes as long as a run over one image. The duration per input is therefore high in
    // short runs. A limit that depends only on this duration would stay at a few inputs forever.
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
   * Removes and returns the next inputs for a batch run, at most `count`. In each round, every tenant with waiting
   * inputs gives its oldest input. The tenant with the least processor time comes first.
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
