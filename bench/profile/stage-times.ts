/** A stage of an evaluation, such as decoding: the number of its calls, and their total time. */
export interface StageTime {
  stage: string;
  calls: number;
  totalSeconds: number;
}

const metric = 'vls_stage_duration_seconds';

export async function readStages(url: string): Promise<StageTime[]> {
  return stagesIn(await (await fetch(`${url}/metrics`)).text());
}

/** Reads the time of each stage from a page of metrics, for single requests and batches together. */
export function stagesIn(page: string): StageTime[] {
  const values = (suffix: string) =>
    [...page.matchAll(new RegExp(`^${metric}_${suffix}\\{(.*)\\} (\\S+)$`, 'gm'))].map(
      ([, labels = '', value]) => [/stage="([^"]+)"/.exec(labels)?.[1] ?? '', Number(value)] as const,
    );
  const total = (name: string, suffix: string) =>
    values(suffix).reduce((sum, [stage, value]) => (stage === name ? sum + value : sum), 0);
  const names = [...new Set(values('count').map(([stage]) => stage))];
  return names.map((stage) => ({ stage, calls: total(stage, 'count'), totalSeconds: total(stage, 'sum') }));
}

/** Returns the increase of each stage's calls and time. Omits stages without calls. */
export const stagesBetween = (before: readonly StageTime[], after: readonly StageTime[]): StageTime[] =>
  after
    .map(({ stage, calls, totalSeconds }) => {
      const earlier = before.find((one) => one.stage === stage);
      return { stage, calls: calls - (earlier?.calls ?? 0), totalSeconds: totalSeconds - (earlier?.totalSeconds ?? 0) };
    })
    .filter(({ calls }) => calls > 0);
