import type { Polled } from '../http/use-polled.ts';
import * as numbers from './numbers.ts';
import { ProblemBox } from './problem.tsx';
import { detailAfter } from './sentence.ts';
import { Waiting } from './waiting.tsx';

/**
 * Shows a note if a polled value is loading, cannot be loaded, or is old because a later request failed.
 * @param what the value, such as `the list of batches`.
 */
export function PolledState({ what, polled }: { what: string; polled: Polled<unknown> }) {
  const { value, at, failure, reload } = polled;
  if (failure === undefined) return value === undefined ? <Waiting what={what} /> : null;
  if (value === undefined || at === undefined) return <ProblemBox failure={failure} retry={reload} />;
  return (
    <div class="notice outdated">
      <p role="status">
        <strong>{failure.status === 0 ? 'Connection lost' : failure.title}.</strong>{' '}
        {failure.status !== 0 && `${detailAfter(failure.title, failure.message)} `}
        You see {what} as of {numbers.clock(at)}.
      </p>
      <button type="button" class="link" onClick={reload}>
        Try again
      </button>
    </div>
  );
}
