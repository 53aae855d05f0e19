import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { saveText } from '../downloads.ts';
import { fileStem } from '../file-names.ts';
import { titleOf } from '../state.ts';
import { judgedCount, labelsAsCsv, type SampledPair } from './labelled-sample.ts';

export function ExportLabels({ status, pairs }: { status: BatchStatus; pairs: readonly SampledPair[] }) {
  return (
    <button
      type="button"
      disabled={judgedCount(pairs) === 0}
      onClick={() => saveText(labelsAsCsv(pairs), `${fileStem(titleOf(status))}-labels.csv`)}
    >
      Export labels
    </button>
  );
}
