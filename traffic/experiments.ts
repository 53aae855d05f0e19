import { setTimeout as delay } from 'node:timers/promises';
import type { ModelSpec } from '../models/model.ts';
import type { Registry } from '../models/registry/registry.ts';
import { createAudit } from '../shared/audit.ts';
import type { CanaryAction, CanaryPhase, TrafficPlan, Trial } from '../shared/contracts/traffic.ts';
import { ServiceError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { Redis } from '../shared/redis.ts';
import { figuresOf } from './counts.ts';
import { isSlow, judge } from './guard.ts';
import type { Observations, Ongoing } from './observations.ts';
import { type Experiment, mainModel, planOf, readExperiment } from './plan.ts';
import type { OpenWindow, Place, TrafficStore } from './store.ts';

/** The experiments of this installation, and what becomes of their canaries. */
export interface Experiments {
  /** That of a profile; nothing when one model has all of its traffic. */
  of(profile: string): Promise<Experiment | undefined>;
  /** What became of its canary, as far as is known; nothing before anybody could be asked. */
  phaseOf(experiment: Experiment): CanaryPhase | undefined;
  /** Asks what became of its canary. */
  refresh(experiment: Experiment): Promise<void>;
  /** Who answers now; nothing when the main model cannot be used here. */
  planOf(experiment: Experiment): TrafficPlan | undefined;
  /** Those that have been read: within a second of the start all. */
  known(): Experiment[];
  decide(experiment: Experiment, action: CanaryAction): Promise<void>;
  /** Reports what was seen last. */
  close(): Promise<void>;
}

export interface ExperimentsDeps {
  registry: Registry;
  redis: Redis;
  store: TrafficStore;
  observations: Observations;
  /** Told of a model that will be asked for. */
  warm?: ((spec: ModelSpec) => void) | undefined;
  log: Logger;
}

/** How often what was seen is reported, and the phases of canaries are read, in milliseconds. */
const reportMs = 1_000;

/**
 * A request waits so long for what became of a canary that this process has not asked for yet, in milliseconds: else
 * the first ones after each start, a whole batch among them, would go to the model that a promoted canary has replaced.
 */
const firstPhaseMs = 1_000;

/** A last report waits so long for a Redis that does not answer, in milliseconds. */
const closeMs = 2_000;

const phaseAfter: Record<CanaryAction, CanaryPhase> = {
  promote: 'promoted',
  rollback: 'rolled_back',
  restart: 'trial',
};

/**
 * Every process counts for itself, and adds its counts to those in Redis once a second. Whoever finds a window full judges
 * it; the first to say so ends it. So there is no leader, and a process that dies takes one second of counts with it.
 */
export function createExperiments({ registry, redis, store, observations, warm, log }: ExperimentsDeps): Experiments {
  /** By profile, as of the rules they were read from. */
  const experiments = new Map<string, Experiment>();
  /** By experiment, as last read. */
  const phases = new Map<string, CanaryPhase>();

  const audit = createAudit(log);
  const placeOf = ({ profile, id }: Experiment): Place => ({ profile, experiment: id });
  const later = (error: Error) => log.debug({ err: error }, 'traffic not reported, kept for the next time');

  async function readPhase(experiment: Experiment): Promise<void> {
    if (experiment.rules.canary === undefined || redis.status !== 'ready') return;
    const state = await store.state(placeOf(experiment));
    became(experiment, state?.phase ?? 'trial', state?.reason ?? null);
  }

  function became(experiment: Experiment, phase: CanaryPhase, reason: string | null): void {
    const before = phases.get(experiment.id);
    phases.set(experiment.id, phase);
    const canary = experiment.specs.get(experiment.rules.canary?.model ?? '');
    // Whoever it is to answer must not wait until it is loaded.
    if (before !== phase && phase !== 'rolled_back' && canary !== undefined) warm?.(canary);
    if (before === phase || (before === undefined && phase === 'trial')) return;
    const { profile, rules } = experiment;
    const say = phase === 'rolled_back' ? log.warn : log.info;
    say.call(log, { profile, model: rules.canary?.model, phase, reason }, 'canary');
  }

  async function of(profile: string): Promise<Experiment | undefined> {
    const known = experiments.get(profile);
    if (known !== undefined && known.rules === registry.rulesOf(profile)) return known;
    const experiment = await readExperiment(registry, profile);
    if (known !== undefined && known.id !== experiment?.id) phases.delete(known.id);
    if (experiment === undefined) experiments.delete(profile);
    else {
      if (experiment.fault !== null) log.warn({ profile, reason: experiment.fault }, 'a model has no traffic');
      // While Redis is away nobody waits for it, and the canary rests until it is known.
      const read = readPhase(experiment).catch(later);
      if (!phases.has(experiment.id)) await Promise.race([read, delay(firstPhaseMs, undefined, { ref: false })]);
      experiments.set(profile, experiment);
    }
    return experiment;
  }

  async function report(): Promise<void> {
    if (redis.status !== 'ready') return;
    for (const { place, seen } of observations.take()) {
      try {
        const window = await store.observe(place, seen, place.trial !== undefined);
        if (window?.phase === 'trial') await judgeWindow(place, window).catch(later);
      } catch (error) {
        observations.putBack(place, seen);
        later(error as Error);
      }
    }
    for (const profile of registry.profiles) {
      const experiment = await of(profile);
      if (experiment !== undefined) await readPhase(experiment);
    }
  }

  async function judgeWindow(
    { profile, experiment, trial }: Ongoing,
    { number, startedAt, now }: OpenWindow,
  ): Promise<void> {
    if (trial === undefined) return;
    const place = { profile, experiment };
    const counts = await store.window(place);
    const seconds = (now - startedAt) / 1000;
    // Every process asks once a second: what takes long is asked of a window that ends alone.
    if (judge(figuresOf(counts, [], trial.main, trial.model), trial, seconds) === undefined) return;
    const figures = figuresOf(counts, await store.windowPairs(place), trial.main, trial.model);
    const reasons = judge(figures, trial, seconds);
    if (reasons === undefined) return;
    const isPassed = reasons.length === 0;
    const passed = isPassed ? ((await store.state(place))?.passed ?? 0) + 1 : 0;
    const isPromoted = passed >= trial.promoteAfter;
    const isAcquitted =
      reasons.length === 1 && isSlow(figures, trial.guard) && !(await wasSlow(place, number - 1, trial));
    if (isAcquitted) reasons.push('a second window in a row that is only too slow ends the trial');
    const phase = isAcquitted ? 'trial' : !isPassed ? 'rolled_back' : isPromoted ? 'promoted' : 'trial';
    const reason = !isPassed ? reasons.join('; ') : isPromoted ? `passed ${passed} windows in a row` : '';
    const verdict = isPassed ? ('passed' as const) : ('failed' as const);
    const window = { number, verdict, reasons, endedAt: new Date(now).toISOString(), figures };
    if (!(await store.settle(place, window, phase, passed, reason))) return;
    log.info({ profile, model: trial.model, window: number, verdict, reasons }, 'window of a canary judged');
    if (phase !== 'trial') audit(`canary.${phase}`, { by: 'canary_guard', profile, model: trial.model, reason });
  }

  async function wasSlow(place: Place, number: number, { guard }: Trial): Promise<boolean> {
    const window = (await store.windows(place)).find((one) => one.number === number);
    return window !== undefined && isSlow(window.figures, guard);
  }

  let reporting: Promise<void> | undefined;
  function reportOnce(): Promise<void> {
    reporting ??= report()
      .catch(later)
      .finally(() => {
        reporting = undefined;
      });
    return reporting;
  }
  const timer = setInterval(() => void reportOnce(), reportMs);
  timer.unref();

  return {
    of,
    refresh: readPhase,
    phaseOf: (experiment) => phases.get(experiment.id),
    planOf(experiment) {
      const phase = phases.get(experiment.id);
      return experiment.specs.has(mainModel(experiment, phase)) ? planOf(experiment, phase) : undefined;
    },
    known: () => [...experiments.values()].filter(({ profile }) => registry.profiles.includes(profile)),
    async decide(experiment, action) {
      if (experiment.rules.canary === undefined) {
        throw new ServiceError('traffic.no_canary', `The rules of ${experiment.profile} have no canary`);
      }
      const phase = phaseAfter[action];
      const reason = 'an operator decided so';
      await store.decide(placeOf(experiment), phase, reason);
      became(experiment, phase, reason);
    },
    async close() {
      clearInterval(timer);
      const told = (async () => {
        await reporting;
        await reportOnce();
      })();
      await Promise.race([told, delay(closeMs, undefined, { ref: false })]);
    },
  };
}
