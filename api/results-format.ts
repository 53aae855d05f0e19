import type { Request } from 'express';
import { ServiceError } from '../shared/errors.ts';
import { type BatchFormat, formatNamed, formats } from '../shared/formats.ts';

/** Formats that hold the whole batch. */
export const wholeFormats = formats.filter(({ isWritten }) => isWritten);
/** Pages of JSON, and the formats that hold the whole batch. */
const offered: readonly BatchFormat[] = [formatNamed('json'), ...wholeFormats];
const mediaTypes = offered.flatMap((format) => format.mediaTypes);

/**
 * Returns the format of results that the `Accept` header prefers, JSON by default, and the media type that matched.
 * @throws {ServiceError} `request.not_acceptable`
 */
export function negotiateResultsFormat(request: Request): { type: string; format: BatchFormat } {
  // A parameter such as `charset` does not select another format, but would keep the type from matching.
  request.headers.accept = request.get('accept')?.replace(/;\s*(?!q\s*=)[^;,]*/gi, '');
  const type = request.accepts(mediaTypes);
  const format = offered.find((each) => type !== false && each.mediaTypes.includes(type));
  if (type !== false && format !== undefined) return { type, format };
  const supported = offered.map((each) => each.mediaTypes[0]).join(', ');
  throw new ServiceError('request.not_acceptable', `Results are available as ${supported}; Accept allows none of them`);
}
