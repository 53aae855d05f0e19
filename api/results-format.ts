import type { Request } from 'express';
import { ServiceError } from '../shared/errors.ts';
import { type BatchFormat, formatNamed, formats } from '../shared/formats.ts';

/** The formats in which a single response contains the results of a whole batch. */
export const wholeFormats = formats.filter(({ isWritten }) => isWritten);
/** All formats of results. JSON is sent in pages; each other format contains the whole batch in one response. */
const offered: readonly BatchFormat[] = [formatNamed('json'), ...wholeFormats];
const mediaTypes = offered.flatMap((format) => format.mediaTypes);

/**
 * Returns the format of results that the `Accept` header prefers, with the matching media type. JSON is the default.
 * @throws {ServiceError} `request.not_acceptable`
 */
export function negotiateResultsFormat(request: Request): { type: string; format: BatchFormat } {
  // Parameters such as `charset` are removed, because a media type with parameters would not match any format.
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
