/** Mean duration of a stage since the process started. */
export interface StageTime {
  stage: string;
  count: number;
  meanMs: number;
}

/** Reads the mean durations of `vls_stage_duration_seconds` from Prometheus' text format. */
export function stageTimesOf(metrics: string): StageTime[] {
  const values = new Map<string, { sum: number; count: number }>();
  for (const [, kind, stage = '', value] of metrics.matchAll(
    /^vls_stage_duration_seconds_(sum|count)\{[^}]*stage="(\w+)"[^}]*\} (\S+)$/gm,
  )) {
    const entry = values.get(stage) ?? { sum: 0, count: 0 };
    entry[kind === 'sum' ? 'sum' : 'count'] += Number(value);
    values.set(stage, entry);
  }
  return [...values].map(([stage, { sum, count }]) => ({
    stage,
    count,
    meanMs: count === 0 ? 0 : (sum / count) * 1000,
  }));
}
