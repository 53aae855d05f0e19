import type { PairLabel, SampleLabels } from '../../../shared/contracts/batch/judgement.ts';
import type { RequestFailed } from '../../http/request-failed.ts';

/** Labels by the index of the pair. null removes the label. */
export type Labels = ReadonlyMap<number, PairLabel | null>;

export interface SaverState {
  unsaved: Labels;
  /** The reason why the last request failed; undefined after a success. */
  failure: RequestFailed | undefined;
  /** True after a request without an answer for some time, until all labels are stored. */
  isLate: boolean;
  /** True when the service will never accept the labels, because the sample or the batch no longer exists. */
  isRefused: boolean;
  /** False when the browser cannot store the unsaved labels, so that leaving the page would lose them. */
  isKept: boolean;
}

/** Sends labels to the service, one request after another, and repeats failed requests. */
export interface LabelSaver {
  readonly state: SaverState;
  set(index: number, label: PairLabel | null): void;
  /** Forgets the unsaved labels. */
  discard(): void;
  /** Calls `listener` after each change of the state. Returns a function that ends this. */
  follow(listener: () => void): () => void;
}

export interface SaverDeps {
  /** @throws {RequestFailed} */
  send(labels: SampleLabels['labels']): Promise<void>;
  /** Stores the unsaved labels in the browser. Returns false if that fails. */
  keep(unsaved: Labels): boolean;
  wait(ms: number): Promise<unknown>;
  /** Calls `listener` after the time after which an unanswered request is late. */
  whenLate(listener: () => void): void;
}

/** The HTTP statuses after which a repetition would fail again. */
const finalStatuses = [400, 404, 409];
const firstWaitMs = 1_000;
const maxWaitMs = 30_000;

/** @param unsaved labels from an earlier visit, which are sent at once. */
export function createLabelSaver({ send, keep, wait, whenLate }: SaverDeps, unsaved: Labels = new Map()): LabelSaver {
  let state: SaverState = { unsaved, failure: undefined, isLate: false, isRefused: false, isKept: true };
  const listeners = new Set<() => void>();
  let isBusy = false;

  function change(next: Partial<SaverState>): void {
    state = { ...state, ...next };
    for (const listener of listeners) listener();
  }
  const changeUnsaved = (next: Labels, more: Partial<SaverState> = {}) =>
    change({ ...more, unsaved: next, isKept: keep(next) });

  async function save(): Promise<void> {
    if (isBusy) return;
    isBusy = true;
    for (let waitMs = firstWaitMs; state.unsaved.size > 0 && !state.isRefused; ) {
      const sent = state.unsaved;
      let isAnswered = false;
      whenLate(() => {
        if (!isAnswered) change({ isLate: true });
      });
      try {
        await send([...sent].map(([index, label]) => ({ index, label }))).finally(() => {
          isAnswered = true;
        });
        // A label that was changed while the request was in flight is sent again.
        const left = [...state.unsaved].filter(([index, label]) => sent.get(index) !== label);
        changeUnsaved(new Map(left), { failure: undefined, isLate: state.isLate && left.length > 0 });
        waitMs = firstWaitMs;
      } catch (error) {
        const failure = error as RequestFailed;
        const isRefused = finalStatuses.includes(failure.status);
        if (isRefused) keep(new Map());
        change({ failure, isRefused });
        if (!isRefused) await wait(waitMs);
        waitMs = Math.min(2 * waitMs, maxWaitMs);
      }
    }
    isBusy = false;
  }

  void save();
  return {
    get state() {
      return state;
    },
    set(index, label) {
      if (state.isRefused) return;
      changeUnsaved(new Map(state.unsaved).set(index, label));
      void save();
    },
    discard() {
      changeUnsaved(new Map(), { failure: undefined, isLate: false });
    },
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
