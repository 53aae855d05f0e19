import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** The time in s after which the page shows what it waits for. */
export const namedAfter = 2;

/**
 * Shows that content is loading. After two seconds it also names the content and the time since the beginning.
 * @param what the content, such as `the list of batches`.
 * @param children further facts, shown after two seconds.
 */
export function Waiting({ what, children }: { what: string; children?: ComponentChildren }) {
  const seconds = useSecondsSinceShown();
  return (
    <div class="waiting" aria-busy="true">
      <div class="skeleton" aria-hidden="true">
        <span />
        <span />
        <span />
      </div>
      <p class="fine soft" role="status">
        {seconds < namedAfter ? 'Loading…' : `Waiting for ${what}.`}
      </p>
      {seconds >= namedAfter && (
        <p class="fine soft">
          {seconds} s without an answer from the service. {children}
        </p>
      )}
    </div>
  );
}

/**
 * Names the content that a busy control waits for, after two seconds.
 * @param isAnswered true if parts of the content have arrived.
 */
export function WaitingNote({ what, isAnswered = false }: { what: string; isAnswered?: boolean }) {
  const seconds = useSecondsSinceShown();
  if (seconds < namedAfter) return null;
  return (
    <p class="fine soft">
      <span role="status">Waiting for {what}.</span> {seconds} s{!isAnswered && ' without an answer from the service'}.
    </p>
  );
}

export function useSecondsSinceShown(): number {
  const [shownAt] = useState(Date.now);
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds(Math.floor((Date.now() - shownAt) / 1_000)), 250);
    return () => clearInterval(timer);
  }, [shownAt]);
  return seconds;
}
