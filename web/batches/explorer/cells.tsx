import type { ItemResult } from '../../../shared/contracts/item.ts';
import { hashWith } from '../../shell/hash-query.ts';
import { Badge } from '../../ui/badge.tsx';
import * as numbers from '../../ui/numbers.ts';
import { edgesOf, type Scale } from '../../ui/scale.ts';
import type { ExplorerQuery } from './query.ts';

export const scoreIn = (result: ItemResult): number | undefined =>
  result.status === 'succeeded' ? result.score : undefined;

export const nameOf = ({ id, index }: ItemResult): string => id ?? `item ${numbers.count(index)}`;

/** The first characters of a caption. */
export function Caption({ result: { text }, most }: { result: ItemResult; most: number }) {
  return text?.trim() === '' ? <NoText /> : (text?.slice(0, most) ?? null);
}

/** Stands in place of a caption that is empty or only has spaces, and does not look like one. */
export function NoText() {
  return <em class="none">no text</em>;
}

/** A link to the duplicates of a result, with their number. Renders nothing for a group of one. */
export function GroupLink({
  result,
  distinct,
  isCurrent,
}: {
  result: ItemResult;
  distinct: ExplorerQuery['distinct'];
  isCurrent: boolean;
}) {
  const size = 'groupSize' in result ? (result.groupSize ?? 1) : 1;
  if (distinct === undefined || size < 2) return null;
  const as = distinct === 'image' ? 'sameImageAs' : 'samePairAs';
  return (
    <a
      class="fine group-link"
      href={hashWith({ distinct: undefined, [as]: String(result.index), pair: undefined })}
      tabIndex={isCurrent ? 0 : -1}
    >
      group of {numbers.count(size)}
    </a>
  );
}

export function ScoreCell({
  result,
  scale,
  edges = [],
  decimals,
}: {
  result: ItemResult;
  scale: Scale;
  /** Scores that divide the pairs, such as a threshold. Rounding does not move the shown score across them. */
  edges?: readonly number[];
  decimals?: number;
}) {
  const score = scoreIn(result);
  if (score === undefined) return <StateBadge result={result} />;
  return (
    <span class="score-cell">
      <span class="num">{numbers.scoreBetween(score, [...edgesOf(scale), ...edges], decimals)}</span>
      <span class="mini-bar" aria-hidden="true">
        <span style={{ width: `${Math.min(100, (score / scale.top) * 100)}%` }} />
      </span>
    </span>
  );
}

export function StateBadge({ result }: { result: ItemResult }) {
  if (result.status === 'failed') return <Badge tone="bad">failed</Badge>;
  return <Badge tone={result.status === 'succeeded' ? 'good' : 'plain'}>{result.status}</Badge>;
}
