import { createAudit } from '../shared/audit.ts';
import type { CanaryPhase, JudgedWindow, Trial, WindowFigures } from '../shared/contracts/traffic.ts';
import type { Logger } from '../shared/log.ts';
import { figuresOf } from './counts.ts';
import { isSlow, judge } from './guard.ts';
import type { ObservedExperiment } from './observations.ts';
import type { ExperimentKey, OpenWindow, TrafficStore } from './store.ts';

/** Judges the current window of a canary if it has ended. Only one of several processes ends it. */
export type JudgeWindow = (experiment: ObservedExperiment, window: OpenWindow) => Promise<void>;

export function createJudgeWindow(store: TrafficStore, log: Logger): JudgeWindow {
  const audit = createAudit(log);

  async function wasSlow(key: ExperimentKey, number: number, { guard }: Trial): Promise<boolean> {
    const window = (await store.windows(key)).find((one) => one.number === number);
    return window !== undefined && isSlow(window.figures, guard);
  }

  /** Returns the verdict and the canary's next phase. May add a reason to `reasons` after a failure. */
  async function decide(key: ExperimentKey, number: number, trial: Trial, figures: WindowFigures, reasons: string[]) {
    const verdict: JudgedWindow['verdict'] = reasons.length === 0 ? 'passed' : 'failed';
    if (verdict === 'passed') {
      const passed = ((await store.state(key))?.passed ?? 0) + 1;
      const isPromoted = passed >= trial.promoteAfter;
      const phase: CanaryPhase = isPromoted ? 'promoted' : 'trial';
      return { verdict, passed, phase, reason: isPromoted ? `passed ${passed} windows in a row` : '' };
    }
    const reason = reasons.join('; ');
    const isOnlySlow = reasons.length === 1 && isSlow(figures, trial.guard);
    if (!isOnlySlow || (await wasSlow(key, number - 1, trial)))
      return { verdict, passed: 0, phase: 'rolled_back' as const, reason };
    reasons.push('the window failed only because it was too slow; a second such window in a row ends the trial');
    return { verdict, passed: 0, phase: 'trial' as const, reason };
  }

  return async ({ profile, experiment, trial }, { number, startedAt, now }) => {
    if (trial === undefined) return;
    const key = { profile, experiment };
    const counts = await store.window(key);
    const seconds = (now - startedAt) / 1000;
    // Runs every second in every process. Reading the score pairs is slow, so they are read only after the window has
    // ended.
    if (judge(figuresOf(counts, [], trial.main, trial.model, trial.comparedBy), trial, seconds) === undefined) return;
    const figures = figuresOf(counts, await store.windowPairs(key), trial.main, trial.model, trial.comparedBy);
    const reasons = judge(figures, trial, seconds);
    if (reasons === undefined) return;
    const { verdict, passed, phase, reason } = await decide(key, number, trial, figures, reasons);
    const window = { number, verdict, reasons, endedAt: new Date(now).toISOString(), figures };
    if (!(await store.settle(key, window, phase, passed, reason))) return;
    log.info({ profile, model: trial.model, window: number, verdict, reasons }, 'canary window judged');
    if (phase !== 'trial') audit(`canary.${phase}`, { by: 'canary_guard', profile, model: trial.model, reason });
  };
}
