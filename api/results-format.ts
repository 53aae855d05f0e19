import type { Request } from 'express';
import { ServiceError } from '../shared/errors.ts';
import { type BatchFormat, formatNamed, formats } from '../shared/formats.ts';

/** Formats that contain the whole batch in one response. */
export const wholeFormats = formats.filter(({ isWritten }) => isWritten);
/** All formats of results. Only JSON is sent in pages. */
const offered: readonly BatchFormat[] = [formatNamed('json'), ...wholeFormats];
const mediaTypes = offered.flatMap((format) => format.mediaTypes);

/**
 * Returns the format that the `Accept` header prefers, JSON by default. @throws {ServiceError} `request.not_acceptable`
 */
export function negotiateResultsFormat(request: Request): { type: string; format: BatchFormat } {
  // With parameters such as `charset`, a media type would match no format.
  request.headers.accept = request.get('accept')?.replace(/;\s*(?!q\s*=)[^;,]*/gi, '');
  const type = request.accepts(mediaTypes);
  const format = offered.find((each) => type !== false && each.mediaTypes.includes(type));
  if (type !== false && format !== undefined) return { type, format };
  const supported = offered.map((each) => each.mediaTypes[0]).join(', ');
  throw new ServiceError(
    'request.not_acceptable',
    `The Accept header allows none of the supported formats; accept one of ${supported}`,
  );
}
