import { setTimeout as delay } from 'node:timers/promises';
import type { ModelSpec } from '../models/model.ts';
import type { Registry } from '../models/registry/registry.ts';
import type { CanaryAction, CanaryPhase, TrafficPlan } from '../shared/contracts/traffic.ts';
import { ServiceError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { Redis } from '../shared/redis.ts';
import { createJudgeWindow } from './judge-window.ts';
import type { Observations } from './observations.ts';
import { type Experiment, mainModel, planOf, readExperiment } from './plan.ts';
import type { ExperimentKey, TrafficStore } from './store.ts';

/**
 * The experiments of this installation. An experiment is a profile whose images several models share. Its canary is a
 * model on trial, which is promoted or rolled back.
 */
export interface Experiments {
  /** Returns the experiment of a profile; undefined when one model gets all images of the profile. */
  of(profile: string): Promise<Experiment | undefined>;
  /** Returns the phase of the canary when it was last read from Redis; undefined before the first read. */
  phaseOf(experiment: Experiment): CanaryPhase | undefined;
  /** Reads the phase of the canary from Redis. */
  refresh(experiment: Experiment): Promise<void>;
  /**
   * Returns the models that get images now, with their shares. Returns undefined when this process cannot use the main
   * model.
   */
  planOf(experiment: Experiment): TrafficPlan | undefined;
  /** Returns the experiments that this process has read; from one second after startup, all experiments. */
  known(): Experiment[];
  /** Applies an operator's decision about a canary. @throws {ServiceError} `traffic.no_canary` */
  decide(experiment: Experiment, action: CanaryAction): Promise<void>;
  /** Reports to Redis the counts that this process has not reported yet, then stops. */
  close(): Promise<void>;
}

export interface ExperimentsDeps {
  registry: Registry;
  redis: Redis;
  store: TrafficStore;
  observations: Observations;
  /** Called with a model that will soon get images, so that it can be loaded. */
  warm?: ((spec: ModelSpec) => void) | undefined;
  log: Logger;
}

/** The interval in ms between two reports of counts to Redis. Each report also reads the phases of the canaries. */
const reportMs = 1_000;

/**
 * The maximum time in ms for which a request waits for the phase of a canary that this process has not read yet.
 * Without the wait, the main model would score the first requests after startup, perhaps a whole batch, even if a
 * promoted canary had replaced it.
 */
const firstPhaseMs = 1_000;

/** The maximum time in ms that the last report waits for Redis. */
const closeMs = 2_000;

const phaseAfter: Record<CanaryAction, CanaryPhase> = {
  promote: 'promoted',
  rollback: 'rolled_back',
  restart: 'trial',
};

/**
 * Creates the experiments. Every process counts its own outcomes, and adds them to the counts in Redis once a second.
 * The first process that finds a window of a canary complete ends it. All processes thus have the same role, and a
 * process that crashes loses the counts of one second. (A window is a group of items that are judged together.)
 */
export function createExperiments({ registry, redis, store, observations, warm, log }: ExperimentsDeps): Experiments {
  /** The experiment of each profile, with the rules from which it was created. */
  const experiments = new Map<string, Experiment>();
  /** The phase of the canary of each experiment when it was last read, by the id of the experiment. */
  const phases = new Map<string, CanaryPhase>();

  const judgeWindow = createJudgeWindow(store, log);
  const keyOf = ({ profile, id }: Experiment): ExperimentKey => ({ profile, experiment: id });
  const logUnreported = (error: Error) => log.debug({ err: error }, 'traffic not reported; retrying in a second');

  async function readPhase(experiment: Experiment): Promise<void> {
    if (experiment.rules.canary === undefined || redis.status !== 'ready') return;
    const state = await store.state(keyOf(experiment));
    setPhase(experiment, state?.phase ?? 'trial', state?.reason ?? null);
  }

  function setPhase(experiment: Experiment, phase: CanaryPhase, reason: string | null): void {
    const before = phases.get(experiment.id);
    phases.set(experiment.id, phase);
    const canary = experiment.specs.get(experiment.rules.canary?.model ?? '');
    // The canary is loaded before its first request, so that the request does not wait for the model.
    if (before !== phase && phase !== 'rolled_back' && canary !== undefined) warm?.(canary);
    if (before === phase || (before === undefined && phase === 'trial')) return;
    const { profile, rules } = experiment;
    const level = phase === 'rolled_back' ? 'warn' : 'info';
    log[level]({ profile, model: rules.canary?.model, phase, reason }, 'canary');
  }

  async function of(profile: string): Promise<Experiment | undefined> {
    const known = experiments.get(profile);
    if (known !== undefined && known.rules === registry.rulesOf(profile)) return known;
    const experiment = await readExperiment(registry, profile);
    if (known !== undefined && known.id !== experiment?.id) phases.delete(known.id);
    if (experiment === undefined) experiments.delete(profile);
    else {
      if (experiment.fault !== null)
        log.warn({ profile, reason: experiment.fault }, 'a model cannot be used and gets no images');
      // Requests do not wait while Redis is unavailable. Until the phase of the canary is known, the canary gets no
      // images.
      const read = readPhase(experiment).catch(logUnreported);
      if (!phases.has(experiment.id)) await Promise.race([read, delay(firstPhaseMs, undefined, { ref: false })]);
      experiments.set(profile, experiment);
    }
    return experiment;
  }

  async function report(): Promise<void> {
    if (redis.status !== 'ready') return;
    for (const { experiment, counts } of observations.take()) {
      try {
        const window = await store.add(experiment, counts, experiment.trial !== undefined);
        if (window?.phase === 'trial') await judgeWindow(experiment, window).catch(logUnreported);
      } catch (error) {
        observations.putBack(experiment, counts);
        logUnreported(error as Error);
      }
    }
    for (const profile of registry.profiles) {
      const experiment = await of(profile);
      if (experiment !== undefined) await readPhase(experiment);
    }
  }

  let reporting: Promise<void> | undefined;
  function reportOnce(): Promise<void> {
    reporting ??= report()
      .catch(logUnreported)
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
        throw new ServiceError('traffic.no_canary', `The profile ${experiment.profile} has no canary`);
      }
      const phase = phaseAfter[action];
      const reason = 'decided by an operator';
      await store.decide(keyOf(experiment), phase, reason);
      setPhase(experiment, phase, reason);
    },
    async close() {
      clearInterval(timer);
      const lastReport = (async () => {
        await reporting;
        await reportOnce();
      })();
      await Promise.race([lastReport, delay(closeMs, undefined, { ref: false })]);
    },
  };
}
