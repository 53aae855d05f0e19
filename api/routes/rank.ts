import type { Evaluation } from '../../evaluation/evaluation.ts';
import { probabilitiesOf } from '../../evaluation/formulas.ts';
import type { EvaluationOptions } from '../../evaluation/options.ts';
import type { ImageScores } from '../../evaluation/score-images.ts';
import type { TextScores } from '../../evaluation/score-texts.ts';
import type { ModelSpec } from '../../models/model.ts';
import { type RankRequest, type RankResponse, rankRequest, rankResponse } from '../../shared/contracts/rank.ts';
import type { Traffic } from '../../traffic/traffic.ts';
import { tenantOf } from '../access/tenant.ts';
import { check } from '../check.ts';
import { clientGone } from '../client-gone.ts';
import type { LargeResponses } from '../large-responses.ts';
import type { Admission } from '../middleware/admission.ts';
import { jsonBody } from '../middleware/json-body.ts';
import { problemResponses } from '../openapi.ts';
import type { Route } from '../route.ts';

export interface RankDeps {
  evaluation: Evaluation;
  traffic: Traffic;
  admission: Admission;
  largeResponses: LargeResponses;
}

/** The route `POST /v1/evaluation/rank`: ranks texts for an image, or images for a text. */
export function rankRoutes({ evaluation, traffic, admission, largeResponses }: RankDeps): Route[] {
  return [
    {
      method: 'post',
      path: '/v1/evaluation/rank',
      operation: {
        operationId: 'rank',
        summary: 'Rank texts for an image, or images for a text',
        description: 'Zero-shot classification: returns the candidates with their probabilities, the best first.',
        tags: ['evaluation'],
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: rankRequest,
              example: { image: 'https://example.org/cat.jpg', texts: ['a cat', 'a dog', 'a car'] },
            },
          },
        },
        responses: {
          '200': { description: 'The ranking', content: { 'application/json': { schema: rankResponse } } },
          ...problemResponses(400, 413, 415, 422, 502, 503, 504),
        },
      },
      handlers: [
        admission.enter,
        jsonBody,
        async (request, response) => {
          const query = check(rankRequest, request.body, 'body');
          const { spec } = await traffic.route(query.model);
          const options = { longText: query.longText, tenant: tenantOf(request), signal: clientGone(response) };
          const scores = await score(evaluation, spec, query, options);
          admission.observe(scores.timings);
          await largeResponses.list(request, response, () => toRanking(spec, query, scores));
        },
      ],
    },
  ];
}

async function score(
  evaluation: Evaluation,
  spec: ModelSpec,
  query: RankRequest,
  options: EvaluationOptions,
): Promise<TextScores | ImageScores> {
  if ('texts' in query) return (await evaluation.scoreTexts([spec], query.image, query.texts, options)).scores;
  return await evaluation.scoreImages(spec, query.images, query.text, options);
}

function toRanking({ probability }: ModelSpec, query: RankRequest, scores: TextScores | ImageScores): RankResponse {
  const { results, receipt, timings } = scores;
  const probabilities = probabilitiesOf(
    results.map(({ cosine }) => cosine),
    probability,
  );
  const ranked = results.map((result, at) => ({ index: at, ...result, probability: probabilities[at] ?? 0 }));
  return {
    results: ranked.sort((a, b) => b.cosine - a.cosine || a.index - b.index),
    failures: 'images' in query && 'failures' in scores ? scores.failures : [],
    probabilities: probability.kind,
    logitScale: probability.scale,
    logitBias: probability.kind === 'sigmoid' ? probability.bias : null,
    receipt,
    timings,
  };
}
