import type { CanaryPhase, ComparedBy, Comparison, TrafficReport } from '../shared/contracts/traffic.ts';
import { armField, type ComparisonKind, type Counts, comparisonField } from './counts.ts';
import { comparedByOf, type Experiment, mainModel, planOf, shadowComparedBy } from './plan.ts';
import { rankCorrelation } from './rank-correlation.ts';
import type { ExperimentKey, TrafficStore } from './store.ts';

export async function reportOf(store: TrafficStore, experiment: Experiment): Promise<TrafficReport> {
  const { profile, id, rules, fault } = experiment;
  const key = { profile, experiment: id };
  const [totals, state, windows, window] = await Promise.all([
    store.totals(key),
    store.state(key),
    store.windows(key),
    store.window(key),
  ]);
  const { canary } = rules;
  // Taken from the state just read, because this process may not know the phase yet.
  const phase = state?.phase ?? 'trial';
  // Redis has no state until a process adds counts.
  const open = { number: state?.number ?? 1, items: 0, of: canary?.window.items ?? 0 };
  open.items = window[armField(canary?.model ?? '', 'items')] ?? 0;
  const comparisons: Promise<Comparison>[] = [];
  if (canary !== undefined && canary.compare > 0) {
    comparisons.push(
      comparisonOf(
        store,
        key,
        totals,
        'canary',
        canary.model,
        rules.model,
        comparedByOf(experiment, [rules.model, canary.model]),
      ),
    );
  }
  if (rules.shadow !== undefined) {
    comparisons.push(
      comparisonOf(
        store,
        key,
        totals,
        'shadow',
        rules.shadow.model,
        'the model that answered',
        shadowComparedBy(experiment),
      ),
    );
  }
  return {
    profile,
    experiment: id,
    arms: armsOf(experiment, phase, totals),
    canary:
      canary === undefined
        ? null
        : {
            model: canary.model,
            phase,
            reason: state?.reason ?? null,
            since: state === undefined ? null : new Date(state.since).toISOString(),
            promoteAfter: canary.promoteAfter,
            passed: state?.passed ?? 0,
            window: phase === 'trial' ? open : null,
            windows,
          },
    comparisons: await Promise.all(comparisons),
    fault,
  };
}

function armsOf(experiment: Experiment, phase: CanaryPhase, totals: Counts): TrafficReport['arms'] {
  const { rules, specs } = experiment;
  const arms = specs.has(mainModel(experiment, phase)) ? planOf(experiment, phase).arms : [];
  const configured = [
    ...Object.entries(rules.split).map(([model, share]) => ({ role: 'split' as const, model, share })),
    ...(rules.canary === undefined
      ? []
      : [{ role: 'canary' as const, model: rules.canary.model, share: rules.canary.share }]),
  ];
  const others = configured.reduce((sum, { share }) => sum + share, 0);
  const main = { role: 'main' as const, model: rules.model, share: Number((1 - others).toFixed(6)) };
  return [main, ...configured].map(({ role, model, share }) => {
    const read = (what: Parameters<typeof armField>[1]) => totals[armField(model, what)] ?? 0;
    const [items, failed, timed] = [read('items'), read('failed'), read('timed')];
    const scored = items - failed;
    const mean = scored > 0 ? read('score') / scored : null;
    const variance = mean === null || scored < 2 ? null : Math.max(0, read('square') / scored - mean * mean);
    return {
      role,
      model,
      revision: specs.get(model)?.revision ?? 'none',
      share,
      shareNow: arms.find((arm) => arm.model === model)?.share ?? 0,
      items,
      failed,
      errorShare: items > 0 ? rounded(failed / items) : null,
      meanScore: mean === null ? null : rounded(mean),
      meanScoreMargin: variance === null ? null : rounded(1.96 * Math.sqrt(variance / scored)),
      meanInferenceMs: timed > 0 ? rounded(read('ms') / timed) : null,
    };
  });
}

async function comparisonOf(
  store: TrafficStore,
  key: ExperimentKey,
  totals: Counts,
  kind: ComparisonKind,
  candidate: string,
  reference: string,
  comparedBy: ComparedBy,
): Promise<Comparison> {
  const read = (what: Parameters<typeof comparisonField>[2]) => totals[comparisonField(kind, candidate, what)] ?? 0;
  const { pairs: scores, worst } = await store.comparison(key, kind);
  const pairs = read('pairs');
  const hasDifferences = pairs > 0 && comparedBy === 'scores';
  const correlation = rankCorrelation(scores);
  return {
    kind,
    candidate,
    reference,
    comparedBy,
    pairs,
    failed: read('failed'),
    meanDifference: hasDifferences ? rounded(read('difference') / pairs) : null,
    meanAbsoluteDifference: hasDifferences ? rounded(read('absolute') / pairs) : null,
    maxAbsoluteDifference: hasDifferences ? rounded(read('largest')) : null,
    rankCorrelation: correlation === null ? null : rounded(correlation),
    worst,
  };
}

const rounded = (value: number): number => Number(value.toFixed(4));
