import type { Response } from 'express';
import { z } from 'zod';
import type { Batches } from '../../batches/batches.ts';
import { duplicatesOf, isOrdered, ruleOf, samplingOf, selectionOf } from '../../batches/reading/selection.ts';
import { batchPath } from '../../shared/contracts/batch/fields.ts';
import {
  type ResultsQuery,
  resultsPage,
  resultsQuery,
  type StreamQuery,
  type TopSelected,
} from '../../shared/contracts/batch/results.ts';
import { batchSummary } from '../../shared/contracts/batch/summary.ts';
import { batchComparison, comparisonQuery } from '../../shared/contracts/comparison.ts';
import { ServiceError } from '../../shared/errors.ts';
import { type BatchFormat, labelsInWords } from '../../shared/formats.ts';
import type { OpenStreams } from '../access/open-streams.ts';
import { scopeOf } from '../access/tenant.ts';
import { check } from '../check.ts';
import type { LargeResponses } from '../large-responses.ts';
import { problemResponses } from '../openapi.ts';
import { negotiateResultsFormat, wholeFormats } from '../results-format.ts';
import type { Route } from '../route.ts';
import { sendEvents } from '../sse.ts';

const eventsQuery = z.strictObject({
  lastEventId: z.string().optional().meta({
    description:
      'Has the meaning of the `Last-Event-ID` header, for scripts in web pages: they cannot set the headers of an EventSource.',
  }),
});

const schemaOf = ({ isText }: BatchFormat) =>
  isText ? { type: 'string' as const } : { type: 'string' as const, format: 'binary' };

/** Declared for generated clients. A browser's EventSource sends it automatically. */
const lastEventHeader = z.object({
  'Last-Event-ID': z.string().optional().meta({ description: 'The id of the last event that the client received.' }),
});

/** Refuses `skip` unless the query sorts, ranks, compares or deduplicates. @throws {ServiceError} `request.invalid` */
function checkSkip(query: ResultsQuery): void {
  if (query.skip === undefined || isOrdered(query)) return;
  const message = 'needs `sort`, `top`, `other`, `distinct` or `sample`';
  throw new ServiceError('request.invalid', `skip: ${message}`, { faults: [{ path: 'skip', message }] });
}

/**
 * Refuses paging of a response that contains the whole batch: always `skip`; `cursor` and `limit` unless the query
 * sorts, ranks, compares or deduplicates.
 * @throws {ServiceError} `request.invalid`
 */
function refusePaging(query: ResultsQuery): void {
  const { cursor, limit, skip } = query;
  if (skip !== undefined) {
    const message = 'applies only to JSON pages';
    throw new ServiceError('request.invalid', `skip: ${message}`, { faults: [{ path: 'skip', message }] });
  }
  const path = cursor === undefined ? 'limit' : 'cursor';
  if ((cursor === undefined && limit === undefined) || isOrdered(query)) return;
  const message = `applies only to JSON pages: without \`sort\`, \`top\`, \`other\`, \`distinct\` or \`sample\`, ${labelsInWords(wholeFormats)} contain the whole batch`;
  throw new ServiceError('request.invalid', `${path}: ${message}`, { faults: [{ path, message }] });
}

/**
 * Refuses conditions on the scores of a second batch without `other` or with `otherScored=false`, and a seed without a sample.
 * @throws {ServiceError} `request.invalid`
 */
function checkRule({ other, ...query }: ResultsQuery): void {
  if (query.seed !== undefined && query.sample === undefined) {
    const message = 'needs `sample`';
    throw new ServiceError('request.invalid', `seed: ${message}`, { faults: [{ path: 'seed', message }] });
  }
  const scores = (['otherMinScore', 'otherMaxScore', 'minDifference'] as const).find(
    (name) => query[name] !== undefined,
  );
  if (query.otherScored === 'false' && scores !== undefined) {
    const message = 'is a condition on a score that the items of `otherScored=false` do not have';
    throw new ServiceError('request.invalid', `${scores}: ${message}`, { faults: [{ path: scores, message }] });
  }
  const path = scores ?? (query.otherScored === undefined ? undefined : 'otherScored');
  if (other !== undefined || path === undefined) return;
  const message = 'is a condition on the scores of a second batch; give the id of that batch in `other`';
  throw new ServiceError('request.invalid', `${path}: ${message}`, { faults: [{ path, message }] });
}

/** Describes the items selected by `top` in headers, because formats such as CSV have no field for it. */
function setTopHeaders(response: Response, top: TopSelected | undefined): void {
  if (top === undefined) return;
  response.setHeader('Vls-Top-Items', top.items);
  if (top.lastScore !== null) response.setHeader('Vls-Top-Last-Score', top.lastScore);
  response.setHeader('Vls-Top-Ties', top.ties);
}

export interface ResultDeps {
  batches: Batches;
  openStreams: OpenStreams;
  largeResponses: LargeResponses;
}

/** Routes that read a batch: results, summary, comparison and events. */
export function resultRoutes({ batches, openStreams, largeResponses }: ResultDeps): Route[] {
  return [
    {
      method: 'get',
      path: '/v1/evaluation/batch/{id}/results',
      operation: {
        operationId: 'getBatchResults',
        summary: 'Read the results of a batch, also while it runs',
        description: [
          'JSON: pages in the order of evaluation. While the batch runs, `next` leads to the results that follow.',
          `${labelsInWords(wholeFormats, 'or')}, chosen by the \`Accept\` header: all results so far, in the order of the posted items. ${labelsInWords(wholeFormats.filter(({ hasColumns }) => hasColumns))} have the posted columns first, then the columns of the results.`,
          '`minScore`, `maxScore`, `status`, `code`, `q` and `top` select results, and `sort` orders them, in every format. A result must meet all given conditions. `top` ranks all items with a score, including those that do not meet the other conditions.',
          '`other` names a second batch of the same items: `otherMinScore`, `otherMaxScore` and `minDifference` are conditions on its scores, and `otherScored=false` selects the items that have none there.',
          '`distinct` returns one item of each group of items with the same image, or with the same image and text. `sameImageAs` and `samePairAs` list the items of a group.',
          '`sample` draws items at random from those that meet all conditions.',
          'A request with `sort`, `top`, `other`, `distinct` or `sample` returns one page, whatever the format. `limit` and `cursor` select the page. It has the results that exist at the time of the request, and `next` is null on the last page, even while the batch runs.',
          'When the response cannot be completed, or the client reads nothing for 20 s, the connection is reset.',
        ].join('\n\n'),
        tags: ['evaluation'],
        requestParams: { path: batchPath, query: resultsQuery },
        responses: {
          '200': {
            description: 'Results',
            headers: {
              'Vls-Escaped-Cells': {
                description:
                  'The number of CSV cells that got an apostrophe so that no spreadsheet runs them as formulas. Absent if the response has only a part of the results, or if the batch is running or has cancelled items.',
                schema: { type: 'integer' },
              },
              'Vls-Top-Items': {
                description: 'With `top`, in formats other than JSON: the number of selected items.',
                schema: { type: 'integer' },
              },
              'Vls-Top-Last-Score': {
                description: 'With `top`: the lowest score of the selected items; absent when no item is selected.',
                schema: { type: 'number' },
              },
              'Vls-Top-Ties': {
                description: 'With `top`: the number of items that have the lowest selected score.',
                schema: { type: 'integer' },
              },
            },
            content: {
              'application/json': { schema: resultsPage },
              ...Object.fromEntries(wholeFormats.map((each) => [each.mediaTypes[0], { schema: schemaOf(each) }])),
            },
          },
          ...problemResponses(400, 404, 406, 503),
        },
      },
      handlers: [
        async (request, response) => {
          const { id } = check(batchPath, request.params, 'path');
          response.vary('Accept');
          const { type, format } = negotiateResultsFormat(request);
          const query = check(resultsQuery, request.query, 'query');
          checkRule(query);
          checkSkip(query);
          if (!wholeFormats.includes(format)) {
            return void (await largeResponses.page(request, response, () =>
              batches.results(scopeOf(request), id, query),
            ));
          }
          refusePaging(query);
          const signal = openStreams.open(request, response);
          const { sort, top, limit, cursor, formulas = 'escape' } = query;
          const streamQuery: StreamQuery = {
            ...selectionOf(query),
            ...ruleOf(query),
            ...duplicatesOf(query),
            ...samplingOf(query),
            ...{ sort, top, limit, cursor, formulas },
            withItems: query.items === 'true',
          };
          const parts = await batches.stream(scopeOf(request), id, format.name, streamQuery);
          const escaped =
            format.hasColumns && format.isText
              ? await batches.escapedCells(scopeOf(request), id, streamQuery)
              : undefined;
          if (escaped !== undefined) response.setHeader('Vls-Escaped-Cells', escaped);
          setTopHeaders(response, parts.top);
          response.attachment(`batch-${id}.${format.endings[0]}`).type(type);
          const send = format.isText ? largeResponses.stream : largeResponses.buffered;
          await send(request, response, parts, signal);
        },
      ],
    },
    {
      method: 'get',
      path: '/v1/evaluation/batch/{id}/summary',
      operation: {
        operationId: 'getBatchSummary',
        summary: 'Read the histogram, mean, percentiles, lowest and highest items of a batch',
        description:
          'Updated while the batch runs. The response time does not depend on the size of the batch. The exception is the first request after the end of the batch, which reads the scores of all items.',
        tags: ['evaluation'],
        requestParams: { path: batchPath },
        responses: {
          '200': { description: 'The summary', content: { 'application/json': { schema: batchSummary } } },
          ...problemResponses(404, 503),
        },
      },
      handlers: [
        async (request, response) => {
          const { id } = check(batchPath, request.params, 'path');
          response.json(await batches.summary(scopeOf(request), id));
        },
      ],
    },
    {
      method: 'get',
      path: '/v1/evaluation/batch/{id}/comparison',
      operation: {
        operationId: 'compareBatches',
        summary: 'Compare a batch with another batch of the same items',
        description:
          'Rank correlation, a two-dimensional histogram of the scores, the number of items whose score reaches the threshold in only one of the two batches, and the largest disagreements. Items are matched by their index. To list the compared items, read the results with `other`. While a batch runs, the comparison covers the results so far.',
        tags: ['evaluation'],
        requestParams: { path: batchPath, query: comparisonQuery },
        responses: {
          '200': { description: 'The comparison', content: { 'application/json': { schema: batchComparison } } },
          ...problemResponses(400, 404, 503),
        },
      },
      handlers: [
        async (request, response) => {
          const { id } = check(batchPath, request.params, 'path');
          const query = check(comparisonQuery, request.query, 'query');
          response.json(await batches.compare(scopeOf(request), id, query));
        },
      ],
    },
    {
      method: 'get',
      path: '/v1/evaluation/batch/{id}/events',
      operation: {
        operationId: 'followBatch',
        summary: 'Follow a batch (server-sent events)',
        description: [
          'Begins with a `state` event that has the whole status, then sends `progress`, `failure` and `state` as they happen, and closes after `end`.',
          '`Last-Event-ID` resumes without a gap or a repetition. When the event with that id is no longer stored, a `reset` event sends the whole status. The HTTP status 204 means that the client has received the last event.',
        ].join('\n\n'),
        tags: ['evaluation'],
        requestParams: { path: batchPath, query: eventsQuery, header: lastEventHeader },
        responses: {
          '200': { description: 'Events', content: { 'text/event-stream': { schema: { type: 'string' } } } },
          '204': { description: 'The client has received the last event' },
          ...problemResponses(400, 404, 503),
        },
      },
      handlers: [
        async (request, response) => {
          const { id } = check(batchPath, request.params, 'path');
          const { lastEventId } = check(eventsQuery, request.query, 'query');
          const lastId = request.get('last-event-id') ?? lastEventId;
          const signal = openStreams.open(request, response);
          const events = await batches.follow(scopeOf(request), id, lastId, signal);
          if (events === undefined) return void response.status(204).end();
          if (request.method === 'HEAD') return void response.type('text/event-stream').end();
          await sendEvents(events, response, signal);
        },
      ],
    },
  ];
}
