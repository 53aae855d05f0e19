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
 * The experiments: profiles that divide their images among several models. One may be a canary, a model on trial that
 * is promoted or rolled back.
 */
export interface Experiments {
  /** Returns undefined when one model gets all images of the profile. */
  of(profile: string): Promise<Experiment | undefined>;
  /** Returns the phase last read from Redis, or undefined before this process has read it. */
  phaseOf(experiment: Experiment): CanaryPhase | undefined;
  /** Reads the phase of the canary from Redis. */
  refresh(experiment: Experiment): Promise<void>;
  /** Returns the present models with their shares, or undefined when this process cannot use the main model. */
  planOf(experiment: Experiment): TrafficPlan | undefined;
  /** Returns the experiments read so far, which are all of them from one second after startup. */
  known(): Experiment[];
  /** @throws {ServiceError} `traffic.no_canary` */
  decide(experiment: Experiment, action: CanaryAction): Promise<void>;
  /** Adds the remaining counts to Redis, then stops. */
  close(): Promise<void>;
}

export interface ExperimentsDeps {
  registry: Registry;
  redis: Redis;
  store: TrafficStore;
  observations: Observations;
  /** Called with a model that will soon score images, so that it can be loaded. */
  warm?: ((spec: ModelSpec) => void) | undefined;
  log: Logger;
}

/** The interval in ms at which a process adds its counts to Redis and reads the phases. */
const reportMs = 1_000;

/**
 * The maximum time in ms for which a request waits until the phase was first read. Otherwise the main model might score
 * a batch although a promoted canary has replaced it.
 */
const firstPhaseMs = 1_000;

/** The maximum time in ms for adding the last counts to Redis. */
const closeMs = 2_000;

const phaseAfter: Record<CanaryAction, CanaryPhase> = {
  promote: 'promoted',
  rollback: 'rolled_back',
  restart: 'trial',
};

/**
 * Creates the experiments. Every process adds its counts to Redis once a second. A window (items that are judged
 * together) is ended by the first process that finds it complete.
 */
export function createExperiments({ registry, redis, store, observations, warm, log }: ExperimentsDeps): Experiments {
  /** The experiments by profile, created again when the rules of the profile have changed. */
  const experiments = new Map<string, Experiment>();
  /** The phase last read from Redis, by experiment id. */
  const phases = new Map<string, CanaryPhase>();

  const judgeWindow = createJudgeWindow(store, log);
  const keyOf = ({ profile, id }: Experiment): ExperimentKey => ({ profile, experiment: id });
  const logUnreported = (error: Error) =>
    log.debug({ err: error }, 'the traffic counts could not be stored; retrying in a second');

  async function readPhase(experiment: Experiment): Promise<void> {
    if (experiment.rules.canary === undefined || redis.status !== 'ready') return;
    const state = await store.state(keyOf(experiment));
    setPhase(experiment, state?.phase ?? 'trial', state?.reason ?? null);
  }

  function setPhase(experiment: Experiment, phase: CanaryPhase, reason: string | null): void {
    const before = phases.get(experiment.id);
    phases.set(experiment.id, phase);
    const canary = experiment.specs.get(experiment.rules.canary?.model ?? '');
    // Loads the canary before its first request.
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
      // Without Redis, requests wait for the phase only until the time limit. Until it is known, the canary gets no
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
