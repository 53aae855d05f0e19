import { saveText } from '../downloads.ts';
import { judgedCount, labelsAsCsv, type SampledPair } from './labelled-sample.ts';

export function ExportLabels({ id, pairs }: { id: string; pairs: readonly SampledPair[] }) {
  return (
    <button
      type="button"
      disabled={judgedCount(pairs) === 0}
      onClick={() => saveText(labelsAsCsv(pairs), `batch-${id}-labels.csv`)}
    >
      Export labels
    </button>
  );
}
