import { useEffect, useRef, useState } from 'preact/hooks';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { type Code, codes } from '../../shared/errors.ts';
import type { RequestFailed } from '../http/client.ts';
import { addressOf } from '../shell/route.ts';
import * as numbers from '../ui/numbers.ts';
import { ProblemBox } from '../ui/problem.tsx';
import { WaitingNote } from '../ui/waiting.tsx';
import { nameOf } from './explorer/cells.tsx';
import type { Cause, FailedItem, FailureSample } from './failure-causes.ts';
import { sampleFailures } from './sample-failures.ts';

export function FailuresBox({ status }: { status: BatchStatus }) {
  const [sample, setSample] = useState<FailureSample>();
  const [failure, setFailure] = useState<RequestFailed>();
  const [isOpen, setOpen] = useState(false);
  const reading = useRef<AbortController | undefined>(undefined);
  const isLive = status.finishedAt === null;
  const byCode = (Object.entries(status.failures) as [Code, number][]).sort(([, a], [, b]) => b - a);

  // The failed items are read when the user opens a group, and again when the batch has ended.
  useEffect(() => {
    if (!isOpen) return;
    const controller = new AbortController();
    reading.current = controller;
    sampleFailures(status.id, controller.signal).then(setSample, (error) => {
      if (!controller.signal.aborted) setFailure(error);
    });
    return () => controller.abort();
  }, [isOpen, isLive, status.id]);

  if (byCode.length === 0) return null;
  return (
    <section class="card" aria-labelledby="failures">
      <div class="heading">
        <h2 id="failures">Failures</h2>
        <a href={`${addressOf.batch(status.id, 'pairs')}?status=failed`}>Show them</a>
      </div>
      <ul class="failures">
        {byCode.map(([code, count]) => (
          <li key={code}>
            <details onToggle={(event) => event.currentTarget.open && setOpen(true)}>
              <summary>
                <span class="num failure-count">{numbers.count(count)}</span>
                <span class="failure-title">{codes[code].title}</span>
                <span class="fine soft">
                  <code>{code}</code>
                  {codes[code].retryable ? ', may succeed on retry' : ', will fail again'}
                </span>
              </summary>
              {failure !== undefined && <ProblemBox failure={failure} />}
              {sample === undefined && failure === undefined && isOpen && (
                <>
                  <p class="soft">Reading…</p>
                  <WaitingNote what="the failed items" />
                </>
              )}
              {sample !== undefined && (
                <Causes
                  causes={sample.causes.get(code) ?? []}
                  read={sample.read}
                  isAll={sample.read >= status.items.failed}
                />
              )}
            </details>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Causes({ causes, read, isAll }: { causes: Cause[]; read: number; isAll: boolean }) {
  if (causes.length === 0) {
    return <p class="soft">None of the first {numbers.count(read)} failed items has this code.</p>;
  }
  return (
    <ul class="causes">
      {!isAll && <li class="fine soft">Among the first {numbers.count(read)} failed items:</li>}
      {causes.map(({ message, count, examples }) => (
        <li key={message}>
          <p>
            {message} <span class="soft">× {numbers.count(count)}</span>
          </p>
          <ul class="examples">
            {examples.map((item) => (
              <li key={item.index} dir="auto">
                <span class="soft">{nameOf(item)}</span> <Source item={item} />
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ul>
  );
}

/** The image source as it was posted. Inline images without a path have none. */
function Source({ item: { image, imagePath } }: { item: FailedItem }) {
  if (typeof image !== 'string') return imagePath === undefined ? null : <span dir="ltr">{imagePath}</span>;
  return (
    <a href={image} target="_blank" rel="noreferrer noopener">
      {image}
    </a>
  );
}
