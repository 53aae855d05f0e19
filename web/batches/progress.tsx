import { secondsTaken } from '../../shared/batch-time.ts';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import * as numbers from '../ui/numbers.ts';
import { hasRate } from './state.ts';

export function ProgressBar({ items }: { items: BatchStatus['items'] }) {
  const done = items.total - items.pending;
  return (
    <div
      class="outcomes"
      role="progressbar"
      aria-label="Evaluated items"
      aria-valuemin={0}
      aria-valuemax={items.total}
      aria-valuenow={done}
      aria-valuetext={`${numbers.count(done)} of ${numbers.count(items.total)}`}
    >
      {(['succeeded', 'failed', 'cancelled'] as const).map((outcome) => (
        <span
          key={outcome}
          class={items[outcome] === 0 ? outcome : `${outcome} some`}
          style={{ width: `${(items[outcome] / Math.max(1, items.total)) * 100}%` }}
        />
      ))}
    </div>
  );
}

/** @param isInterrupted true while the connection is lost. The rate and the time left are then unknown. */
export function Counts({ status, isInterrupted }: { status: BatchStatus; isInterrupted: boolean }) {
  const { items } = status;
  const isLive = status.finishedAt === null;
  const isUnknown = isLive && isInterrupted;
  const etaSeconds = isUnknown ? null : status.etaSeconds;
  // Without a time left, the batch has just begun. Its rate would be far below that of the curve.
  const itemsPerSecond = isLive && etaSeconds === null ? null : status.itemsPerSecond;
  const took = secondsTaken(status);
  return (
    <dl class="counts">
      <Count name="succeeded" className="succeeded" value={numbers.count(items.succeeded)} />
      <Count name="failed" className={items.failed === 0 ? undefined : 'failed'} value={numbers.count(items.failed)} />
      {items.cancelled > 0 && <Count name="cancelled" className="cancelled" value={numbers.count(items.cancelled)} />}
      {items.pending > 0 && <Count name="pending" className="pending" value={numbers.count(items.pending)} />}
      {hasRate(status) && (
        <Count
          name={isLive ? 'items/s' : 'items/s on average'}
          value={itemsPerSecond === null ? '–' : numbers.rate(itemsPerSecond)}
        />
      )}
      {isLive && <Count name="time left" value={etaSeconds === null ? '–' : numbers.duration(etaSeconds)} />}
      {took !== null && <Count name="took" value={numbers.duration(took)} />}
    </dl>
  );
}

function Count({ name, value, className }: { name: string; value: string; className?: string | undefined }) {
  return (
    <div class={className}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
