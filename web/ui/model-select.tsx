import type { ModelInfo } from '../../shared/contracts/models.ts';
import { fetchJson } from '../http/client.ts';
import { type Polled, usePolled } from '../http/use-polled.ts';
import { choicesOf, isUsable } from './model-choices.ts';

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
  hasDefault = true,
  onChange,
}: {
  models: ModelInfo[] | undefined;
  /** Empty for the default of the service. */
  value: string;
  hasDefault?: boolean;
  onChange: (name: string) => void;
}) {
  const fallback = models?.find((model) => model.default);
  return (
    <div class="field">
      <label for="model">Model</label>
      <select id="model" value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {hasDefault && <option value="">Default{fallback === undefined ? '' : ` (${fallback.model})`}</option>}
        {choicesOf(models ?? []).map(({ name, model }) => (
          <option key={name} value={name} disabled={!isUsable(model)}>
            {name === model.model ? name : `${name} (${model.model})`}
            {model.state === 'absent' && ': not installed'}
            {model.state === 'failed' && ': failed'}
          </option>
        ))}
      </select>
    </div>
  );
}
