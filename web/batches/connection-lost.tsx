import { useState } from 'preact/hooks';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import * as numbers from '../ui/numbers.ts';

export function ConnectionLost({ status: { items, finishedAt } }: { status: BatchStatus }) {
  const [lostAt] = useState(Date.now);
  return (
    <p class="notice" role="status">
      <strong>Connection lost.</strong>{' '}
      {items.total > 0 &&
        `At ${numbers.clock(lostAt)}, ${numbers.count(items.total - items.pending)} of ${numbers.counted(items.total, 'item')} were done. `}
      {finishedAt === null && 'The batch continues. '}The page reconnects by itself.
    </p>
  );
}
