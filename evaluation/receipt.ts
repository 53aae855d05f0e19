import type { Embedded } from '../models/encoder/protocol.ts';
import { type ModelSpec, recipeOf } from '../models/model.ts';
import type { Receipt } from '../shared/contracts/item.ts';
import { traceId } from '../shared/telemetry/spans.ts';
import { warningsOf } from './compare.ts';

export const receiptOf = (spec: ModelSpec): Omit<Receipt, 'warnings'> => ({
  ...recipeOf(spec),
  provider: spec.provider,
});

/** Returns the whole receipt, with warnings and the id of a trace, if any. */
export function receiptWith(spec: ModelSpec, ...embedded: Embedded[]): Receipt {
  const id = traceId();
  return { ...receiptOf(spec), warnings: warningsOf(...embedded), ...(id !== undefined && { traceId: id }) };
}

/** Rounds a time in ms to a tenth. */
export const milliseconds = (value: number): number => Math.round(value * 10) / 10;
