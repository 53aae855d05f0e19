import type { FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { answered } from '../../http/answered.ts';
import type { RequestFailed } from '../../http/request-failed.ts';
import { addressOf } from '../../shell/route.ts';
import { ProblemBox } from '../../ui/problem.tsx';
import { Waiting } from '../../ui/waiting.tsx';

/** Loads the view of a new batch on first use, because no other view reads files. */
export function LazyNewView(props: { dropped?: File }) {
  const [Loaded, setLoaded] = useState<FunctionComponent<{ dropped?: File }>>();
  const [failure, setFailure] = useState<RequestFailed>();
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    setFailure(undefined);
    answered(() => import('./new-view.tsx')).then((view) => setLoaded(() => view.NewView), setFailure);
  }, [attempt]);
  return (
    <>
      <p class="crumbs">
        <a href={addressOf.batches}>Batches</a>
      </p>
      <h1>New batch</h1>
      {Loaded !== undefined ? (
        <Loaded {...props} />
      ) : failure !== undefined ? (
        <ProblemBox failure={failure} retry={() => setAttempt(attempt + 1)} />
      ) : (
        <Waiting what="the form" />
      )}
    </>
  );
}
