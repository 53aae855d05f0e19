import * as numbers from '../../ui/numbers.ts';
import { namedAfter, useSecondsSinceShown } from '../../ui/waiting.tsx';

/** Says that the figures of the page are not yet those of the thresholds. */
export function WaitingForFigures({ thresholds }: { thresholds: readonly (number | undefined)[] }) {
  const seconds = useSecondsSinceShown();
  const wanted = thresholds.filter((each) => each !== undefined).map(numbers.threshold);
  return (
    <>
      Waiting for the figures from {wanted.join(' and ')}
      {seconds < namedAfter ? '…' : `: ${seconds} s without an answer from the service.`}
    </>
  );
}
