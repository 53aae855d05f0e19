import type { ModelInfo } from '../../shared/contracts/models.ts';
import { useModels } from '../ui/model-select.tsx';
import { useSecondsSinceShown } from '../ui/waiting.tsx';

/** The time in s after which the reason for the wait is shown. Most scores arrive earlier. */
const namedAfter = 2;

/**
 * Shows after two seconds why the score is not there yet: a model is loading, or the image is being downloaded.
 * @param name empty for the default model.
 */
export function WaitingForScore({ name, isAddress }: { name: string; isAddress: boolean }) {
  const seconds = useSecondsSinceShown();
  return seconds < namedAfter ? null : <Reason name={name} isAddress={isAddress} seconds={seconds} />;
}

function Reason({ name, isAddress, seconds }: { name: string; isAddress: boolean; seconds: number }) {
  const { value: models } = useModels(2_000);
  const model = models?.find((each) => isNamed(each, name));
  return (
    <p class="notice plain waiting-reason" role="status">
      {model?.state === 'loading'
        ? `The model ${model.model} is loading; the score follows.`
        : isAddress
          ? 'Waiting for the score. The service downloads the image first.'
          : 'Waiting for the score.'}{' '}
      <span class="soft num">{seconds} s</span>
    </p>
  );
}

const isNamed = ({ model, profiles, default: isDefault }: ModelInfo, name: string): boolean =>
  name === '' ? isDefault : model === name || profiles.includes(name);
