import type { FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { answered } from '../../http/answered.ts';
import type { RequestFailed } from '../../http/request-failed.ts';
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
  if (Loaded !== undefined) return <Loaded {...props} />;
  if (failure === undefined) return <Waiting what="the form" />;
  return <ProblemBox failure={failure} retry={() => setAttempt(attempt + 1)} />;
}
