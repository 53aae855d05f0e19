import type { ModelInfo } from '../../shared/contracts/models.ts';
import { fetchJson } from '../http/client.ts';
import { type Polled, usePolled } from '../http/use-polled.ts';

export const useModels = (intervalMs?: number): Polled<ModelInfo[]> =>
  usePolled(
    'models',
    async (signal) => (await fetchJson<{ models: ModelInfo[] }>('v1/models', { signal })).models,
    () => intervalMs,
  );

/** Lets the user choose a profile, or a model without a profile. */
export function ModelSelect({
  models,
  value,
  onChange,
}: {
  models: ModelInfo[] | undefined;
  value: string;
  onChange: (name: string) => void;
}) {
  const names = (models ?? []).flatMap((model) =>
    (model.profiles.length > 0 ? model.profiles : [model.model]).map((name) => ({ name, model })),
  );
  const fallback = models?.find((model) => model.default);
  return (
    <div class="field">
      <label for="model">Model</label>
      <select id="model" value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">Default{fallback === undefined ? '' : ` (${fallback.model})`}</option>
        {names.map(({ name, model }) => (
          <option key={name} value={name} disabled={model.state === 'absent' || model.state === 'failed'}>
            {name === model.model ? name : `${name} (${model.model})`}
            {model.state === 'absent' && ': not installed'}
            {model.state === 'failed' && ': failed'}
          </option>
        ))}
      </select>
    </div>
  );
}
