import type { Duplicates, SameBy } from '../../../shared/contracts/batch/results.ts';
import type { Groups } from '../known-indexes.ts';
import type { MeetsRule } from '../ordered/rule.ts';

/** Returns a test for items that equal the one named by the query, or undefined if it names none. */
export async function readSame(
  { sameImageAs, samePairAs }: Duplicates,
  groupsBy: (by: SameBy) => Promise<Groups>,
): Promise<MeetsRule | undefined> {
  const sameAs = async (by: SameBy, item: number | undefined): Promise<MeetsRule | undefined> => {
    if (item === undefined) return undefined;
    const { of } = await groupsBy(by);
    const group = of[item] ?? 0;
    return (index) => index === item || (group > 0 && of[index] === group);
  };
  return both(await sameAs('image', sameImageAs), await sameAs('pair', samePairAs));
}

/** Returns a condition that is met when both are met. */
export const both = (one: MeetsRule | undefined, other: MeetsRule | undefined): MeetsRule | undefined =>
  one && other ? (index) => one(index) && other(index) : (one ?? other);
