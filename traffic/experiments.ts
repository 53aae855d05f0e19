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

/** The experiments of this installation, and the phases of their canaries. */
export interface Experiments {
  /** The experiment of a profile; undefined when one model has all traffic of the profile. */
  of(profile: string): Promise<Experiment | undefined>;
  /** The phase of its canary, as last read; undefined before the first read. */
  phaseOf(experiment: Experiment): CanaryPhase | undefined;
  /** Reads the phase of its canary from Redis. */
  refresh(experiment: Experiment): Promise<void>;
  /** The models that answer now; undefined when this process cannot use the main model. */
  planOf(experiment: Experiment): TrafficPlan | undefined;
  /** The experiments read so far: within a second of startup all of them. */
  known(): Experiment[];
  /** @throws {ServiceError} `traffic.no_canary` */
  decide(experiment: Experiment, action: CanaryAction): Promise<void>;
  /** Reports the last counts. */
  close(): Promise<void>;
}

export interface ExperimentsDeps {
  registry: Registry;
  redis: Redis;
  store: TrafficStore;
  observations: Observations;
  /** Called with a model that will soon get requests. */
  warm?: ((spec: ModelSpec) => void) | undefined;
  log: Logger;
}

/** Counts are reported, and the phases of canaries are read, at this interval (ms). */
const reportMs = 1_000;

/**
 * Maximum time that a request waits for the phase of a canary that this process has not read yet (ms). Without the
 * wait, the first requests after startup would go to the model that a promoted canary has replaced, even a whole batch.
 */
const firstPhaseMs = 1_000;

/** Maximum time that the last report waits for Redis (ms). */
const closeMs = 2_000;

const phaseAfter: Record<CanaryAction, CanaryPhase> = {
  promote: 'promoted',
  rollback: 'rolled_back',
  restart: 'trial',
};

/**
 * Every process counts its own outcomes and adds them to the counts in Redis once a second. The first process that finds
 * a window full ends it. So there is no leader, and a process that dies loses one second of counts.
 */
export function createExperiments({ registry, redis, store, observations, warm, log }: ExperimentsDeps): Experiments {
  /** By profile, for the rules that they were read from. */
  const experiments = new Map<string, Experiment>();
  /** By experiment, as last read. */
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
    // Loaded before its first request, so that this request does not wait.
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
      if (experiment.fault !== null) log.warn({ profile, reason: experiment.fault }, 'a model has no traffic');
      // Requests do not wait while Redis is unavailable. The canary gets none until its phase is known.
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
        throw new ServiceError('traffic.no_canary', `The rules of ${experiment.profile} have no canary`);
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
