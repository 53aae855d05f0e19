import { afterAll, beforeAll, expect, test } from 'vitest';
import { toBuffer } from '../../../formats/bytes.ts';
import { type OrderedSelection, resultOrders } from '../../../shared/contracts/batch/results.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { type Engine, startEngine, tenant } from '../../support/engine.ts';
import { ofOne, ofOther, postAll, total } from '../../support/two-batches.ts';

let engine: Engine;
let one: string;
let other: string;

beforeAll(async () => {
  engine = await startEngine();
  one = await postAll(engine, ofOne);
  other = await postAll(engine, ofOther);
});
afterAll(() => engine.close());

const scoreOf = (result: ItemResult | undefined) => (result?.status === 'succeeded' ? result.score : undefined);

function expected({
  minScore = 0,
  otherMinScore = 0,
  otherMaxScore = 100,
  otherScored = 'true',
  minDifference = 0,
}: OrderedSelection): number[] {
  return ofOne.flatMap((result, index) => {
    const own = scoreOf(result);
    const its = scoreOf(ofOther[index]);
    if (otherScored === 'false') return own === undefined || own < minScore || its !== undefined ? [] : [index];
    if (own === undefined || its === undefined || own < minScore || its < otherMinScore || its > otherMaxScore)
      return [];
    return Number(Math.abs(own - its).toFixed(4)) >= minDifference ? [index] : [];
  });
}

const rules: OrderedSelection[] = [
  {},
  { minScore: 20, otherMinScore: 20 },
  { minDifference: 10 },
  { minScore: 30, otherMaxScore: 15 },
  { otherMinScore: 100 },
  { otherScored: 'false' },
  { otherScored: 'false', minScore: 20 },
];

test.each(rules)(
  'the rule %j selects the items of a plain comparison, in every order, in pages and as a file',
  async (rule) => {
    const wanted = expected(rule);
    for (const sort of [undefined, ...resultOrders]) {
      const query = { ...rule, other, ...(sort && { sort }) };
      const found: number[] = [];
      let cursor: string | undefined;
      for (;;) {
        const page = await engine.batches.results(tenant, one, { ...query, limit: 3, ...(cursor && { cursor }) });
        expect(page.selected).toBe(wanted.length);
        found.push(...page.results.map(({ index }) => index));
        if (page.next === null) break;
        cursor = page.next;
      }
      if (sort === undefined || sort === 'index') expect(found).toEqual(wanted);
      expect(
        found.sort((a, b) => a - b),
        sort,
      ).toEqual(wanted);
      const lines: Buffer[] = [];
      for await (const part of await engine.batches.stream(tenant, one, 'ndjson', { ...query, formulas: 'keep' })) {
        lines.push(toBuffer(part));
      }
      expect(Buffer.concat(lines).toString().split('\n').filter(Boolean)).toHaveLength(wanted.length);
    }
  },
);

test('a batch of another length, of another tenant or that does not exist is refused', async () => {
  const shorter = await postAll(engine, ofOne.slice(0, 4));
  const query = (id: string) => engine.batches.results(tenant, one, { other: id });
  await expect(query(shorter)).rejects.toMatchObject({ code: 'request.invalid' });
  await expect(query('nowhere')).rejects.toMatchObject({ code: 'batch.not_found' });
  const foreign = await engine.post(total, { tenant: 'another' });
  await expect(query(foreign)).rejects.toMatchObject({ code: 'batch.not_found' });
});
