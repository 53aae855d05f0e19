import pLimit from 'p-limit';
import type { Embedded } from '../models/encoder/protocol.ts';
import type { ModelSpec } from '../models/model.ts';
import type { ImageSource } from '../shared/contracts/item.ts';
import { embedImage, embedText, endingWith, textsInFlight } from './interactive-inputs.ts';
import type { EvaluationOptions, EvaluationParts } from './options.ts';
import { startStages } from './stages.ts';
import { checkText, nameOf } from './texts.ts';

export type Embeddable = { text: string } | { image: ImageSource };

/**
 * Embeds images and texts, in their order. Has priority over batch work, unless `isBatch` is set.
 * @throws {ServiceError} the error of the first input that fails.
 */
export async function embedInputs(
  parts: EvaluationParts,
  spec: ModelSpec,
  inputs: readonly Embeddable[],
  asked: EvaluationOptions = {},
): Promise<Embedded[]> {
  for (const [at, input] of inputs.entries()) if ('text' in input) checkText(input.text, nameOf(at, inputs));
  const { options, end } = endingWith(asked);
  const limit = pLimit(textsInFlight);
  const stages = startStages(asked.isBatch ? 'batch' : 'single', parts.metrics);
  try {
    return await Promise.all(
      inputs.map((input, at) =>
        'text' in input
          ? limit(() => embedText(parts, spec, input.text, stages, options, nameOf(at, inputs)))
          : embedImage(parts, spec, input.image, stages, options).then(({ embedded }) => embedded),
      ),
    );
  } finally {
    limit.clearQueue();
    end();
    stages.end();
  }
}
