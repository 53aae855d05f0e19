import type { Bytes } from '../../../formats/bytes.ts';
import { createResultWriter } from '../../../formats/index.ts';
import type { StreamQuery, TopSelected } from '../../../shared/contracts/batch/results.ts';
import { type FormatName, formatNamed } from '../../../shared/formats.ts';
import type { BatchRecord } from '../../store/record.ts';
import { partsOf } from '../parts.ts';
import type { Source } from '../read-chunks.ts';
import { withItem } from '../with-item.ts';
import { createOrder, type Place, type Step } from './order.ts';

/** The content of a results file. `top` describes the selected items of a query with `top`. */
export type ResultStream = AsyncIterableIterator<Bytes> & { top?: TopSelected | undefined };

/**
 * The number of results that are read first, and later at most. A small start makes the response begin soon. Each read
 * passes over the whole score index, so later ones are larger.
 */
const firstStep = 256;
const largestStep = 20_000;
const bytesPerPart = 2 * 1024 * 1024;

/**
 * Writes the results of a batch in the sort order of the query.
 * @throws {ServiceError} `request.invalid` for a cursor of another sort order or service.
 */
export async function streamOrdered(
  source: Source,
  batch: BatchRecord,
  format: FormatName,
  query: StreamQuery,
  other?: BatchRecord,
): Promise<ResultStream> {
  const { hasColumns } = formatNamed(format);
  const addsItems = query.withItems === true && !hasColumns;
  const order = await createOrder(source, batch, query, { withItems: hasColumns || addsItems, other });
  const writer = createResultWriter(format, { ...batch, groupSizes: query.distinct !== undefined }, query.formulas);
  let place: Place | undefined = order.start;
  let left = query.limit ?? Number.POSITIVE_INFINITY;
  let most = firstStep;
  // Not a generator, because a generator that waits for its caller would keep the last chunks in memory.
  const steps: AsyncIterableIterator<Step> = {
    async next() {
      if (place === undefined || left === 0) return { done: true, value: undefined };
      const step = await order.step(place, Math.min(most, left));
      place = step.next;
      left -= step.results.length;
      const each = step.bytes / Math.max(1, step.results.length);
      most = Math.max(1, Math.min(largestStep, 4 * most, Math.floor(bytesPerPart / Math.max(1, each))));
      return { value: step };
    },
    [Symbol.asyncIterator]: () => steps,
  };
  const write = ({ results, items }: Step) =>
    writer.rows(addsItems ? results.map((result, at) => withItem(result, items[at])) : results, items);
  return Object.assign(partsOf(steps, write, { before: writer.start(), after: writer.end }), { top: order.top });
}
