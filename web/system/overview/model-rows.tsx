import type { Health } from '../../../shared/contracts/health.ts';
import { addressOf } from '../../shell/route.ts';
import { Badge } from '../../ui/badge.tsx';
import * as numbers from '../../ui/numbers.ts';
import { nowOf, type Reading, ratesOf } from './activity.ts';
import { Sparkline } from './sparkline.tsx';

export function ModelRows({ models, history }: { models: Health['models']; history: readonly Reading[] }) {
  return (
    <section class="card" aria-labelledby="models">
      <div class="heading">
        <h2 id="models">Models in use</h2>
        <a class="fine" href={addressOf.system('models')}>
          All models
        </a>
      </div>
      {models.length === 0 && <p class="soft">No model has been used yet.</p>}
      <ul class="model-rows">
        {models.map((model) => (
          <li key={`${model.model}@${model.revision}`}>
            <ModelRow model={model} history={history} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function ModelRow({
  model: { model, state, encoders, detail },
  history,
}: {
  model: Health['models'][number];
  history: readonly Reading[];
}) {
  const points = ratesOf(
    history,
    (before, after, seconds) => ((after.embeddings[model] ?? 0) - (before.embeddings[model] ?? 0)) / seconds,
  );
  const now = nowOf(history, points);
  return (
    <>
      <strong class="cut">{model}</strong>
      <Badge tone={state === 'ready' ? 'good' : state === 'loading' ? 'warn' : 'bad'}>{state}</Badge>
      <span>
        {encoders.ready} of {numbers.counted(encoders.configured, 'encoder')} ready
        {encoders.restarts > 0 && `, ${numbers.counted(encoders.restarts, 'restart')}`}
      </span>
      {now !== undefined && (
        <>
          <Sparkline points={points} end={history.at(-1)?.at} />
          <span class="num soft model-rate">{numbers.perSecond(now, 'embeddings')}</span>
        </>
      )}
      {detail !== null && <span class="soft model-detail">{detail}</span>}
    </>
  );
}
