import type { BatchList } from '../../../shared/contracts/batch/list.ts';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ModelInfo } from '../../../shared/contracts/models.ts';
import { fetchJson } from '../../http/client.ts';
import { usePolled } from '../../http/use-polled.ts';
import { Badge } from '../../ui/badge.tsx';
import { Copyable } from '../../ui/copy.tsx';
import { Fact } from '../../ui/fact.tsx';
import { useModels } from '../../ui/model-select.tsx';
import * as numbers from '../../ui/numbers.ts';
import { PolledState } from '../../ui/polled-state.tsx';
import { scaleOf } from '../../ui/scale.ts';

const stateWords: Record<ModelInfo['state'], [tone: 'good' | 'warn' | 'bad' | 'plain', word: string]> = {
  absent: ['plain', 'not installed'],
  available: ['plain', 'available'],
  loading: ['warn', 'loading'],
  loaded: ['good', 'loaded'],
  failed: ['bad', 'failed'],
};

/** The names of the devices that run models, for users. */
const providerNames: Record<string, string> = {
  cpu: 'CPU',
  cuda: 'NVIDIA GPU (CUDA)',
  coreml: 'Apple silicon (Core ML)',
  dml: 'GPU (DirectML)',
};

const probabilityWords = {
  softmax: 'softmax over the captions of the same request',
  sigmoid: 'sigmoid of each pair, independent of the others',
} as const;

export function ModelsTab() {
  const models = useModels(5_000);
  const { value: batches } = usePolled('speed', (signal) =>
    fetchJson<BatchList>('v1/evaluation/batch?limit=50&state=completed,completed_with_errors', { signal }),
  );
  return (
    <>
      <p class="lead">A request names a profile or a model. Without a name, the default model is used.</p>
      <PolledState what="the list of models" polled={models} />
      <ul class="cards">
        {(models.value ?? []).map((model) => (
          <li key={model.model}>
            <ModelCard model={model} speeds={speedsOf(model, batches?.batches ?? [])} />
          </li>
        ))}
      </ul>
    </>
  );
}

/**
 * Returns the items per second of recent batches of the model, except those of fewer than 20 items, which are too
 * small.
 */
const speedsOf = (model: ModelInfo, batches: BatchStatus[]): number[] =>
  batches
    .filter((batch) => batch.model === model.model && batch.revision === model.revision && batch.items.total >= 20)
    .flatMap((batch) => (batch.itemsPerSecond === null ? [] : [batch.itemsPerSecond]))
    .sort((a, b) => a - b);

function ModelCard({ model, speeds }: { model: ModelInfo; speeds: number[] }) {
  const [tone, word] = stateWords[model.state];
  const scale = scaleOf(model.model);
  const median = speeds[Math.floor(speeds.length / 2)];
  const good = scale.bands.find(({ word: name }) => name === 'good match');
  return (
    <article class="card model" aria-labelledby={`model-${model.model}`}>
      <h2 id={`model-${model.model}`}>
        {model.model} <Badge tone={tone}>{word}</Badge>
        {model.default && (
          <>
            {' '}
            <Badge tone="plain">default</Badge>
          </>
        )}
      </h2>
      {model.description !== null && <p>{model.description}</p>}
      {model.detail !== null && (model.state !== 'absent' || model.pullCommand === null) && (
        <p class="notice">{model.detail}</p>
      )}
      <Pull model={model} />
      <dl class="facts">
        <Fact name="Profiles">{model.profiles.join(', ') || undefined}</Fact>
        <Fact name="Runs on">
          {model.provider === null
            ? undefined
            : `${providerNames[model.provider] ?? model.provider}, ${model.precision}`}
        </Fact>
        <Fact name="Encoders">
          {model.encoders === null
            ? undefined
            : `${model.encoders.ready} of ${model.encoders.configured} ready, ${numbers.counted(model.encoders.threads, 'thread')} each, ${model.encoders.restarts} restarts`}
        </Fact>
        <Fact name="Check">
          {model.verified === null
            ? undefined
            : model.verified
              ? 'reproduces the scores of its reference implementation'
              : 'has no reference scores to compare with'}
        </Fact>
        <Fact name="Images">
          {model.speed.measuredImagesPerSecond === null
            ? undefined
            : `${numbers.rate(model.speed.measuredImagesPerSecond)} per second, measured on this machine (vision model only)`}
        </Fact>
        <Fact name="Batches">
          {median === undefined
            ? undefined
            : `${numbers.rate(median)} items per second including cached images, median of ${speeds.length} recent ${speeds.length === 1 ? 'batch' : 'batches'}`}
        </Fact>
        <Fact name="Good match">{good === undefined ? undefined : `from a score of ${good.from}`}</Fact>
        <Fact name="Texts">{model.contextLength === null ? undefined : `up to ${model.contextLength} tokens`}</Fact>
      </dl>
      <details>
        <summary class="fine soft">Technical details</summary>
        <dl class="facts">
          <Fact name="Chosen because">{model.choice ?? undefined}</Fact>
          <Fact name="Family">{model.family ?? undefined}</Fact>
          <Fact name="Embedding">{model.dimensions === null ? undefined : `${model.dimensions} dimensions`}</Fact>
          <Fact name="Probabilities">
            {model.probabilities === null ? undefined : probabilityWords[model.probabilities]}
          </Fact>
          <Fact name="Logit scale">{model.logitScale === null ? undefined : String(model.logitScale)}</Fact>
          <Fact name="Logit bias">{model.logitBias === null ? undefined : String(model.logitBias)}</Fact>
          <Fact name="Source">{model.source}</Fact>
          <Fact name="Revision">{model.revision}</Fact>
        </dl>
      </details>
    </article>
  );
}

function Pull({ model: { model, state, pull, pullCommand } }: { model: ModelInfo }) {
  if (pullCommand === null || (state !== 'absent' && pull === null)) return null;
  if (pull?.state === 'running') {
    const total = pull.bytes === null ? '' : ` of ${numbers.bytes(pull.bytes)}`;
    return (
      <p role="status">
        Pulling: {numbers.bytes(pull.receivedBytes)}
        {total}{' '}
        {pull.bytes !== null && (
          <progress max={pull.bytes} value={pull.receivedBytes} aria-label={`Pull of ${model}`} />
        )}
      </p>
    );
  }
  return (
    <>
      <p>
        {pull === null
          ? 'Its files are not on this machine. This command fetches them; a running service uses them within seconds.'
          : `A pull was interrupted after ${numbers.bytes(pull.receivedBytes)}. The same command continues from there.`}
      </p>
      <Copyable label={`Command to pull ${model}`} text={pullCommand} />
    </>
  );
}
