import { createEvaluationEngine } from '../evaluation/engine.ts';
import type { TextScores } from '../evaluation/score-texts.ts';
import type { Config } from '../shared/config.ts';
import type { SingleResponse } from '../shared/contracts/single.ts';
import { createLogger } from '../shared/log.ts';
import type { TypedImage } from './image-argument.ts';
import { withModel } from './offline-model.ts';

/** Scores in this process and its own encoders, without a service. */
export async function scoreTexts(
  config: Config,
  image: TypedImage,
  texts: string[],
  model: string | undefined,
): Promise<SingleResponse> {
  const log = await createLogger({ name: 'vls', level: 'silent' });
  const evaluationEngine = await createEvaluationEngine(withModel(config, model), log);
  try {
    const { spec } = await evaluationEngine.registry.resolve();
    await evaluationEngine.encoders.for(spec).whenReady();
    const source = 'source' in image ? image.source : new Uint8Array(await image.blob.arrayBuffer());
    return asAnswer((await evaluationEngine.evaluation.scoreTexts([spec], source, texts)).scores);
  } finally {
    await evaluationEngine.close();
  }
}

function asAnswer({ results, receipt, timings }: TextScores): SingleResponse {
  const [first] = results;
  if (results.length > 1 || first === undefined) return { results, receipt, timings };
  const { text: _, ...scores } = first;
  return { ...scores, receipt, timings };
}
