import type { Batches } from '../../batches/batches.ts';
import { type EmbeddingsFormat, embeddingsQuery } from '../../shared/contracts/batch/embeddings.ts';
import { batchPath } from '../../shared/contracts/batch/fields.ts';
import { formatNamed } from '../../shared/formats.ts';
import type { OpenStreams } from '../access/open-streams.ts';
import { scopeOf } from '../access/tenant.ts';
import { check } from '../check.ts';
import type { LargeResponses } from '../large-responses.ts';
import { problemResponses } from '../openapi.ts';
import type { Route } from '../route.ts';

const mediaTypes: Record<EmbeddingsFormat, string> = {
  npy: 'application/x-npy',
  parquet: formatNamed('parquet').mediaTypes[0],
};
const binary = { schema: { type: 'string' as const, format: 'binary' } };

export interface BatchEmbeddingDeps {
  batches: Pick<Batches, 'embeddings'>;
  openStreams: OpenStreams;
  largeResponses: LargeResponses;
}

export function batchEmbeddingRoutes({ batches, openStreams, largeResponses }: BatchEmbeddingDeps): Route[] {
  return [
    {
      method: 'get',
      path: '/v1/evaluation/batch/{id}/embeddings',
      operation: {
        operationId: 'getBatchEmbeddings',
        summary: 'Read the stored embeddings of a batch that has ended',
        description: [
          'For a batch that was posted with `embeddings`. Rows are in the order of the items and are L2-normalised.',
          'An item without a score has no embeddings. In `.npy`, its row contains only NaN, so that row numbers equal item indexes. In Parquet, its embedding is null. Parquet always has 32-bit floats.',
          'When the response cannot be completed, or the client reads nothing for 20 s, the connection is reset.',
        ].join('\n\n'),
        tags: ['evaluation'],
        requestParams: { path: batchPath, query: embeddingsQuery },
        responses: {
          '200': {
            description: 'The embeddings',
            content: { [mediaTypes.npy]: binary, [mediaTypes.parquet]: binary },
          },
          ...problemResponses(400, 404, 409, 503),
        },
      },
      handlers: [
        async (request, response) => {
          const { id } = check(batchPath, request.params, 'path');
          const query = check(embeddingsQuery, request.query, 'query');
          const signal = openStreams.open(request, response);
          const { kind, format, bytes, parts } = await batches.embeddings(scopeOf(request), id, query);
          response.attachment(`batch-${id}-${kind}.${format}`).type(mediaTypes[format]);
          if (bytes !== undefined) response.setHeader('Content-Length', bytes);
          const send = format === 'npy' ? largeResponses.stream : largeResponses.buffered;
          await send(request, response, parts, signal);
        },
      ],
    },
  ];
}
