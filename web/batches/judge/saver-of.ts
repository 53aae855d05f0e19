import { useEffect, useState } from 'preact/hooks';
import { keepUnsaved, unsavedLabels } from './browser-labels.ts';
import { createLabelSaver, type LabelSaver, type SaverState } from './label-saver.ts';
import type { SampledPair, StoredSample } from './labelled-sample.ts';
import { sendLabels } from './sample-requests.ts';

/** The time in ms after which an unanswered request is late. */
const lateMs = 2_000;

const savers = new Map<string, LabelSaver>();

/** Returns the saver of a sample. It continues when the view is closed, and is the same when the view is opened again. */
export function saverOf(id: string, sample: string): LabelSaver {
  const key = `${id} ${sample}`;
  const known = savers.get(key);
  if (known !== undefined) return known;
  const saver = createLabelSaver(
    {
      send: (labels) => sendLabels(id, { sample, labels }),
      keep: (labels) => keepUnsaved(id, sample, labels),
      wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      whenLate: (listener) => void setTimeout(listener, lateMs),
    },
    unsavedLabels(id, sample),
  );
  savers.set(key, saver);
  return saver;
}

export function useSaverState(saver: LabelSaver): SaverState {
  const [state, setState] = useState(saver.state);
  useEffect(() => {
    const follow = () => setState(saver.state);
    follow();
    return saver.follow(follow);
  }, [saver]);
  return state;
}

/** Returns the pairs with the labels that the service has not confirmed yet. */
export function withUnsaved({ pairs }: StoredSample, { unsaved }: SaverState): SampledPair[] {
  return pairs.map((pair) => {
    const label = unsaved.get(pair.index);
    return label === undefined ? pair : { ...pair, isRight: label === null ? undefined : label === 'right' };
  });
}
