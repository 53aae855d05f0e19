import { createFloor } from '../floor.ts';
import { createProcessorUse, type ProcessorUse } from '../processor-use.ts';
import type { Embedded } from './protocol.ts';

export type Run = Pick<Embedded, 'embedding' | 'inferenceMs' | 'runInputs'>;

/** Inputs of one tower that wait for their run. */
export interface Lane<Input> {
  add(input: Input, interactive: boolean, tenant?: string): Promise<Run>;
  hasInteractive(): boolean;
  /** The tenants whose entries of this kind wait. */
  tenants(kind: 'interactive' | 'batch'): string[];
  isInteractiveLately(): boolean;
  /** How many batch entries wait, and when the first of them arrived. */
  waiting(): number;
  since(): number | undefined;
  /** Whether batch entries have waited so long that interactive ones must let them go first. */
  isBatchDue(): boolean;
  /**
   * Runs what comes next.
   * @param isBatchFirst whether batch entries go before interactive ones.
   * @returns what it was.
   */
  runNext(isBatchFirst?: boolean): Promise<'interactive' | 'batch'>;
  /** How many inputs the next batch run may take. */
  allowed(): number;
  /** Most inputs of a run; settable. */
  size: number;
}

export interface LaneOptions<Input> {
  size: number;
  /** @param onBegin called when the run begins, where it waits for another one first. */
  encode(inputs: Input[], onBegin: () => void): Promise<Float32Array[]>;
  /** Called when the device had no memory for a run, with the size used from then on. */
  onShrunk?: (size: number) => void;
  onRun?: (inputs: number, milliseconds: number) => void;
  /** Where the time of runs is charged, to each tenant its part. */
  use?: ProcessorUse;
  now?: () => number;
}

/** After an interactive request, batch runs stay short for so long, in milliseconds. */
const interactiveForMs = 30_000;
/** While they do, a run takes at most so many times what a run over one input takes. */
const interactiveCap = 2.5;
/** Weight of the latest run in the running mean of times. */
const weight = 0.2;

const outOfMemory = /out of memory|failed to allocate|OUT_OF_MEMORY|BFCArena|cudaErrorMemoryAllocation|E_OUTOFMEMORY/i;

/**
 * Interactive inputs run before the others and never share a run with them, so that their latency is their own. While
 * somebody waits for single answers, batch runs are capped in time, since a run that has begun cannot be stopped; one a
 * second goes before them. The caller may let more go first.
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
   * Running means, in milliseconds: of a run over one input; of the time per input of larger runs; and of what each input
   * beyond the first adds to these.
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
    // Without a run over one input so far, what one costs in company is the least it can cost alone.
    const alone = single ?? perInput;
    const asShares = Math.floor((interactiveCap * alone) / perInput);
    // On a GPU 8 images take no longer than one: by their shares, short runs would keep all later ones short.
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
        else entry.reject(new Error('The tower gave fewer rows than it was asked for'));
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

  /** The next batch run: the tenants in turn, first that with the least use, each its oldest. */
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
