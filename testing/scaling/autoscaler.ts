/** The maximum change of the number of workers within `periodSeconds`. */
export interface Policy {
  type: 'Percent' | 'Pods';
  value: number;
  periodSeconds: number;
}

/** The limits for adding or removing workers. The one that allows the largest change applies. */
export interface Behavior {
  stabilizationWindowSeconds: number;
  policies: readonly Policy[];
}

/**
 * A scaling rule (a ScaledObject of KEDA) with one trigger, whose metric is divided by the number of workers
 * (`AverageValue`).
 */
export interface Rule {
  minReplicas: number;
  maxReplicas: number;
  /** The threshold of the trigger, in items per second for each worker. */
  itemsPerSecondOfWorker: number;
  scaleUp: Behavior;
  scaleDown: Behavior;
  /** The time in s without demand after which the last worker is removed, when `minReplicas` is 0. */
  cooldownSeconds: number;
}

/** The state between two evaluations. Times are seconds of a monotonic clock. */
export interface Memory {
  recommendations: readonly { at: number; replicas: number }[];
  changes: readonly { at: number; by: number }[];
  demandAt: number;
}

export const noMemory: Memory = { recommendations: [], changes: [], demandAt: Number.NEGATIVE_INFINITY };

/** The share by which the metric may deviate from its target without a change; the default of Kubernetes. */
const tolerance = 0.1;

/**
 * Simulates one evaluation by KEDA and its horizontal pod autoscaler. The calculation and rounding are those of
 * kubernetes/pkg/controller/podautoscaler (`horizontal.go`, `replica_calculator.go`).
 * @param demanded the items per second that all workers together should process.
 * @param replicas the current number of workers, including those that are still starting.
 */
export function decide(
  rule: Rule,
  past: Memory,
  at: number,
  demanded: number,
  replicas: number,
): { replicas: number; memory: Memory } {
  // At the first evaluation, the current number of workers counts as the recommendation.
  const memory = past.recommendations.length > 0 ? past : { ...past, recommendations: [{ at, replicas }] };
  const demandAt = demanded > 0 ? at : memory.demandAt;
  const recommended = recommend(rule, demanded, replicas);
  const next = isIdle(rule, replicas, at - demandAt)
    ? 0
    : limit(rule, memory, at, stabilize(rule, memory, at, recommended, replicas), replicas);
  const kept = longestMemory(rule);
  return {
    replicas: next,
    memory: {
      demandAt,
      recommendations: [...within(memory.recommendations, at, kept), { at, replicas: recommended }],
      changes: [...within(memory.changes, at, kept), ...(next === replicas ? [] : [{ at, by: next - replicas }])],
    },
  };
}

/** KEDA itself starts the first worker and removes the last one. */
const isIdle = ({ minReplicas, cooldownSeconds }: Rule, replicas: number, idleSeconds: number): boolean =>
  minReplicas === 0 && (replicas === 0 ? idleSeconds > 0 : idleSeconds >= cooldownSeconds);

function recommend({ itemsPerSecondOfWorker: each }: Rule, demanded: number, replicas: number): number {
  const isClose = replicas > 0 && Math.abs(demanded / (each * replicas) - 1) <= tolerance;
  return isClose ? replicas : Math.ceil(demanded / each);
}

/**
 * Returns the number of workers after stabilisation: the lowest recommendation of the window when scaling up, the
 * highest when scaling down.
 */
function stabilize(rule: Rule, memory: Memory, at: number, recommended: number, replicas: number): number {
  const recent = ({ stabilizationWindowSeconds }: Behavior) => [
    ...within(memory.recommendations, at, stabilizationWindowSeconds).map((past) => past.replicas),
    recommended,
  ];
  return Math.min(Math.max(replicas, Math.min(...recent(rule.scaleUp))), Math.max(...recent(rule.scaleDown)));
}

function limit(rule: Rule, { changes }: Memory, at: number, desired: number, replicas: number): number {
  // The horizontal pod autoscaler never goes below one worker.
  const fewest = Math.max(1, rule.minReplicas);
  if (replicas === 0) return fewest;
  const before = (seconds: number) => within(changes, at, seconds).reduce((count, { by }) => count - by, replicas);
  const allowed = ({ policies }: Behavior, sign: 1 | -1) =>
    policies.map(({ type, value, periodSeconds }) => {
      const start = before(periodSeconds);
      return type === 'Pods' ? start + sign * value : start * (1 + (sign * value) / 100);
    });
  const most = Math.max(replicas, fewest, Math.ceil(Math.max(...allowed(rule.scaleUp, 1))));
  const least = Math.min(replicas, Math.floor(Math.min(...allowed(rule.scaleDown, -1))));
  return Math.min(Math.max(desired, least, fewest), most, rule.maxReplicas);
}

const within = <Entry extends { at: number }>(entries: readonly Entry[], at: number, seconds: number): Entry[] =>
  entries.filter((entry) => entry.at > at - seconds);

const longestMemory = ({ scaleUp, scaleDown }: Rule): number =>
  Math.max(
    ...[scaleUp, scaleDown].flatMap(({ stabilizationWindowSeconds, policies }) => [
      stabilizationWindowSeconds,
      ...policies.map(({ periodSeconds }) => periodSeconds),
    ]),
  );
