import { z } from 'zod';

/** Endpoints to which the lines of an OpenAI batch may be addressed. */
export const lineEndpoints = ['/v1/embeddings', '/v1/score'] as const;
export const lineEndpoint = z.enum(lineEndpoints);
export type LineEndpoint = z.output<typeof lineEndpoint>;

/** The request in one line of an OpenAI batch. */
export interface LineRequest {
  url: LineEndpoint;
  body: Record<string, unknown>;
}

/** The additional properties of an OpenAI batch. */
export const requestBatch = z
  .object({
    endpoint: lineEndpoint,
    inputFileId: z.string().meta({ description: 'The file with the lines.' }),
    window: z.string().meta({ description: 'Time limit of the client; ignored.' }),
    metadata: z.record(z.string(), z.string()).nullable(),
  })
  .meta({ id: 'RequestBatch' });
export type RequestBatch = z.output<typeof requestBatch>;
