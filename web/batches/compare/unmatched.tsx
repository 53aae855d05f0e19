import type { BatchComparison } from '../../../shared/contracts/comparison.ts';
import { addressOf } from '../../shell/route.ts';
import * as numbers from '../../ui/numbers.ts';
import { unmatchedQueryOf } from './query.ts';

/** States how many items have a score in only one batch, with links to their lists. */
export function Unmatched({
  comparison: { id, other, unmatched, sides },
  names: [here, there],
}: {
  comparison: BatchComparison;
  names: [here: string, there: string];
}) {
  const lists = [
    { name: here, of: id, to: other, counts: unmatched.onlyThis, threshold: sides?.threshold },
    { name: there, of: other, to: id, counts: unmatched.onlyOther, threshold: sides?.otherThreshold },
  ];
  return lists.map(({ name, of, to, counts: { items, reaching }, threshold }) => {
    if (items === 0) return null;
    const link = (min?: number) => `${addressOf.batch(of, 'pairs')}?${new URLSearchParams(unmatchedQueryOf(to, min))}`;
    return (
      <p key={of} class="fine unmatched">
        <a href={link()}>{numbers.counted(items, 'item')}</a> {items === 1 ? 'has' : 'have'} a score only in{' '}
        <bdi>{name}</bdi>
        {reaching !== null && reaching > 0 && threshold !== undefined && (
          <>
            ; <a href={link(threshold)}>{numbers.count(reaching)} of them</a> {reaching === 1 ? 'reaches' : 'reach'}{' '}
            {numbers.threshold(threshold)}
          </>
        )}
        .
      </p>
    );
  });
}
