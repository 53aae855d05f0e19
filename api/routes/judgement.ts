import type { Request } from 'express';
import type { Batches } from '../../batches/batches.ts';
import { batchPath } from '../../shared/contracts/batch/fields.ts';
import {
  judgement,
  maxSampled,
  sampleCounts,
  sampleLabels,
  sampleQuery,
  sampleStart,
} from '../../shared/contracts/batch/judgement.ts';
import type { RequestAudit } from '../access/request-audit.ts';
import { scopeOf } from '../access/tenant.ts';
import { check } from '../check.ts';
import type { LargeResponses } from '../large-responses.ts';
import { jsonBody } from '../middleware/json-body.ts';
import { problemResponses } from '../openapi.ts';
import type { Route } from '../route.ts';

export interface JudgementDeps {
  batches: Pick<Batches, 'judgement' | 'startSample' | 'setLabels' | 'deleteSample'>;
  largeResponses: LargeResponses;
  audit: RequestAudit;
}

const path = '/v1/evaluation/batch/{id}/judgement';
const counts = { 'application/json': { schema: sampleCounts } } as const;
const exampleSample = '0f6a3f0e-7f0a-4a53-9d0c-0f5f3f5d8c11';

/** Routes for the sample of a batch that people judge. The sample and its labels are stored with the batch. */
export function judgementRoutes({ batches, largeResponses, audit }: JudgementDeps): Route[] {
  return [
    {
      method: 'get',
      path,
      operation: {
        operationId: 'getJudgement',
        summary: 'Read the judged sample of a batch',
        description: 'The pairs of the sample with their scores and labels. They have no metadata.',
        tags: ['evaluation'],
        requestParams: { path: batchPath },
        responses: {
          '200': { description: 'The sample', content: { 'application/json': { schema: judgement } } },
          ...problemResponses(404, 503),
        },
      },
      handlers: [
        async (request, response) => {
          const id = idOf(request);
          await largeResponses.list(request, response, () => batches.judgement(scopeOf(request), id));
        },
      ],
    },
    {
      method: 'put',
      path,
      operation: {
        operationId: 'startSample',
        summary: 'Begin a sample of pairs to judge',
        description:
          'The sample is stored with the batch and deleted with it. It replaces the former sample and its labels. To keep the labels of a sample that another person has begun meanwhile, send `replaces`.',
        tags: ['evaluation'],
        requestParams: { path: batchPath },
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: sampleStart,
              example: { edges: [0, 24.5, 27], indexes: [661, 3, 149], replaces: null },
            },
          },
        },
        responses: {
          '200': { description: 'The sample, without labels', content: counts },
          ...problemResponses(400, 404, 409, 413, 415, 503, 507),
        },
      },
      handlers: [
        jsonBody,
        async (request, response) => {
          const start = check(sampleStart, request.body, 'body', maxSampled);
          const batchId = idOf(request);
          const started = await batches.startSample(scopeOf(request), batchId, start);
          audit(request, response, 'batch.sample_started', { batchId, sample: started.sample });
          response.json(started);
        },
      ],
    },
    {
      method: 'patch',
      path,
      operation: {
        operationId: 'setLabels',
        summary: 'Label pairs of the sample as right or wrong',
        description:
          'Sets the given labels only, so people can judge a sample at the same time. `sample` names the sample that was read: if it was replaced or deleted meanwhile, no label is set.',
        tags: ['evaluation'],
        requestParams: { path: batchPath },
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: sampleLabels,
              example: { sample: exampleSample, labels: [{ index: 661, label: 'right' }] },
            },
          },
        },
        responses: {
          '200': { description: 'The labels are stored', content: counts },
          ...problemResponses(400, 404, 409, 413, 415, 503, 507),
        },
      },
      handlers: [
        jsonBody,
        async (request, response) => {
          const labels = check(sampleLabels, request.body, 'body', maxSampled);
          response.json(await batches.setLabels(scopeOf(request), idOf(request), labels));
        },
      ],
    },
    {
      method: 'delete',
      path,
      operation: {
        operationId: 'deleteSample',
        summary: 'Delete the sample and its labels',
        tags: ['evaluation'],
        requestParams: { path: batchPath, query: sampleQuery },
        responses: {
          '204': { description: 'The batch has no sample' },
          ...problemResponses(400, 404, 409, 503),
        },
      },
      handlers: [
        async (request, response) => {
          const { sample } = check(sampleQuery, request.query, 'query');
          const batchId = idOf(request);
          await batches.deleteSample(scopeOf(request), batchId, sample);
          audit(request, response, 'batch.sample_deleted', { batchId, sample });
          response.status(204).end();
        },
      ],
    },
  ];
}

const idOf = (request: Request): string => check(batchPath, request.params, 'path').id;
