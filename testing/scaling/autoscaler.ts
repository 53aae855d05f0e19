/** How much the number of workers may change in `periodSeconds`. */
export interface Policy {
  type: 'Percent' | 'Pods';
  value: number;
  periodSeconds: number;
}

/** How the number may change in one direction; of several policies the one that allows most counts. */
export interface Behavior {
  stabilizationWindowSeconds: number;
  policies: readonly Policy[];
}

/** A ScaledObject with one trigger, whose metric is divided among the workers (`AverageValue`). */
export interface Rule {
  minReplicas: number;
  maxReplicas: number;
  /** What is asked of one worker, in items a second: the trigger's threshold. */
  itemsPerSecondOfWorker: number;
  scaleUp: Behavior;
  scaleDown: Behavior;
  /** With `minReplicas` 0: so long without demand, in seconds, until the last worker goes. */
  cooldownSeconds: number;
}

/** What the autoscaler remembers between two looks. Times are seconds on any clock that does not go back. */
export interface Memory {
  recommendations: readonly { at: number; replicas: number }[];
  changes: readonly { at: number; by: number }[];
  demandAt: number;
}

export const noMemory: Memory = { recommendations: [], changes: [], demandAt: Number.NEGATIVE_INFINITY };

/** While the metric is so close to what is asked, the number stays: the default of Kubernetes. */
const tolerance = 0.1;

/**
 * One look of KEDA and of the horizontal pod autoscaler that it configures: the order of steps, and what is rounded up
 * and down, as in kubernetes/pkg/controller/podautoscaler (`horizontal.go`, `replica_calculator.go`).
 * @param demanded items a second that all workers together should do.
 * @param replicas how many there are, those that are still starting included.
 */
export function decide(
  rule: Rule,
  past: Memory,
  at: number,
  demanded: number,
  replicas: number,
): { replicas: number; memory: Memory } {
  // At its first look it takes the number that it finds for what was wanted.
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

/** From none to the first, and from the last to none, is KEDA's part. */
const isIdle = ({ minReplicas, cooldownSeconds }: Rule, replicas: number, idleSeconds: number): boolean =>
  minReplicas === 0 && (replicas === 0 ? idleSeconds > 0 : idleSeconds >= cooldownSeconds);

function recommend({ itemsPerSecondOfWorker: each }: Rule, demanded: number, replicas: number): number {
  const isClose = replicas > 0 && Math.abs(demanded / (each * replicas) - 1) <= tolerance;
  return isClose ? replicas : Math.ceil(demanded / each);
}

/** Up by the lowest, down by the highest of the recommendations within the window of that direction. */
function stabilize(rule: Rule, memory: Memory, at: number, recommended: number, replicas: number): number {
  const recent = ({ stabilizationWindowSeconds }: Behavior) => [
    ...within(memory.recommendations, at, stabilizationWindowSeconds).map((past) => past.replicas),
    recommended,
  ];
  return Math.min(Math.max(replicas, Math.min(...recent(rule.scaleUp))), Math.max(...recent(rule.scaleDown)));
}

function limit(rule: Rule, { changes }: Memory, at: number, desired: number, replicas: number): number {
  // The autoscaler knows no number below one.
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
