import type { PairLabel } from '../../../shared/contracts/batch/judgement.ts';
import { readStored, writeStored } from '../../http/browser-store.ts';
import type { Labels } from './label-saver.ts';

/** A sample with its labels as earlier releases of the page stored it in the browser. */
export interface FormerSample {
  edges: number[];
  pairs: { index: number; text: string; isRight?: boolean }[];
}

interface Unsaved {
  sample: string;
  labels: [index: number, label: PairLabel | null][];
}

const formerKey = (id: string): string => `judged:${id}`;
const unsavedKey = (id: string): string => `unsaved-labels:${id}`;
const columnKey = (id: string): string => `label-column:${id}`;

/** Returns the sample of an earlier release; undefined if there is none. */
export function formerSample(id: string): FormerSample | undefined {
  const stored = readStored(formerKey(id)) as Partial<FormerSample> | null;
  if (!Array.isArray(stored?.pairs) || !Array.isArray(stored.edges)) return undefined;
  // These labels came from a column of the input, where they still are.
  if (stored.pairs.every(({ text }) => text === '')) return undefined;
  return stored as FormerSample;
}

export const forgetFormerSample = (id: string): void => void writeStored(formerKey(id), undefined);

/** Returns the labels of a sample that the service has not confirmed yet. */
export function unsavedLabels(id: string, sample: string): Labels {
  const stored = readStored(unsavedKey(id)) as Partial<Unsaved> | null;
  return new Map(stored?.sample === sample && Array.isArray(stored.labels) ? stored.labels : []);
}

/** Stores labels that the service has not confirmed yet. Returns false when the storage of the browser is full. */
export const keepUnsaved = (id: string, sample: string, labels: Labels): boolean =>
  writeStored(unsavedKey(id), labels.size === 0 ? undefined : ({ sample, labels: [...labels] } satisfies Unsaved));

/** Returns the column of the input whose labels replace the sample in this browser. */
export function chosenColumn(id: string): string | undefined {
  const stored = readStored(columnKey(id));
  return typeof stored === 'string' ? stored : undefined;
}

export const chooseColumn = (id: string, column: string | undefined): void => void writeStored(columnKey(id), column);
