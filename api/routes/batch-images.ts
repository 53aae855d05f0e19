import type { Response } from 'express';
import type { Batches } from '../../batches/batches.ts';
import { decodeBase64, decodeDataUri } from '../../images/inline.ts';
import type { Config } from '../../shared/config.ts';
import { itemPath } from '../../shared/contracts/batch/fields.ts';
import { ServiceError } from '../../shared/errors.ts';
import { describeNonImage, fileFormat } from '../../shared/file-format.ts';
import { createLoopTurns } from '../../shared/loop-turns.ts';
import { scopeOf } from '../access/tenant.ts';
import { check } from '../check.ts';
import type { Image, LargeResponses } from '../large-responses.ts';
import { problemResponses } from '../openapi.ts';
import type { Route } from '../route.ts';

/** The media types of all formats that the service decodes. None can contain scripts. */
const mediaTypes: Readonly<Record<string, string>> = {
  JPEG: 'image/jpeg',
  PNG: 'image/png',
  GIF: 'image/gif',
  WebP: 'image/webp',
  TIFF: 'image/tiff',
  AVIF: 'image/avif',
  HEIF: 'image/heif',
};
const binary = { schema: { type: 'string' as const, format: 'binary' } };

export interface BatchImageDeps {
  batches: Pick<Batches, 'image'>;
  largeResponses: LargeResponses;
  config: Pick<Config, 'imageMaxBytes'>;
}

export function batchImageRoutes({ batches, largeResponses, config }: BatchImageDeps): Route[] {
  // An image of 20 MB takes 30 ms to decode.
  const decoding = createLoopTurns();
  return [
    {
      method: 'get',
      path: '/v1/evaluation/batch/{id}/images/{index}',
      operation: {
        operationId: 'getBatchImage',
        summary: 'Read an image that was posted as bytes',
        description: [
          'The bytes of the image that was posted with the item as base64 or data URI, also while the batch runs. They are stored as long as the batch. Results with `items=true` have `imageStored` for these items.',
          'Images with an http(s) address are not stored. Files that the service reads itself (`{"file": …}`) are not served, because a client may score them but not read them.',
          'When the response cannot be completed, or the client reads nothing for 20 s, the connection is reset.',
        ].join('\n\n'),
        tags: ['evaluation'],
        requestParams: { path: itemPath },
        responses: {
          '200': {
            description: 'The image',
            content: Object.fromEntries(Object.values(mediaTypes).map((type) => [type, binary])),
          },
          ...problemResponses(400, 404, 409, 422, 503),
        },
      },
      handlers: [
        async (request, response) => {
          const { id, index } = check(itemPath, request.params, 'path');
          await largeResponses.image(request, response, async () => {
            const posted = await batches.image(scopeOf(request), id, index);
            const image = await decoding(() => decode(posted, config.imageMaxBytes));
            setHeaders(response);
            return image;
          });
        },
      ],
    },
  ];
}

/** @throws {ServiceError} `image.unsupported_format`, `image.source_invalid`, `image.too_large` */
function decode(posted: string, maxBytes: number): Image {
  const source = posted.trim();
  const bytes = /^data:/i.test(source) ? decodeDataUri(source, maxBytes) : decodeBase64(source, maxBytes);
  const format = fileFormat(bytes);
  const mediaType = format?.isDecoded ? mediaTypes[format.name] : undefined;
  if (mediaType === undefined) throw new ServiceError('image.unsupported_format', describeNonImage(bytes));
  return { mediaType, bytes };
}

/** The bytes come from clients, so they must not run as a page. Helmet sets `nosniff`. */
function setHeaders(response: Response): void {
  response.setHeader('Content-Security-Policy', "default-src 'none'; sandbox");
  response.setHeader('Content-Disposition', 'inline');
  // The bytes of an item never change. A browser must not show them after another user has signed in.
  response.setHeader('Cache-Control', 'private, max-age=3600');
  response.vary('Cookie').vary('Authorization').vary('X-API-Key');
}
