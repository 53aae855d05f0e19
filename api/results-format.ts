import type { Request } from 'express';
import { ServiceError } from '../shared/errors.ts';

export type ResultsFormat = 'json' | 'ndjson' | 'csv';

/** The content types that clients request each format with. The first of each is the documented one. */
const types: Record<ResultsFormat, readonly string[]> = {
  json: ['application/json'],
  ndjson: [
    'application/x-ndjson',
    'application/ndjson',
    'application/jsonl',
    'application/x-jsonl',
    'application/jsonlines',
    'application/x-jsonlines',
    'application/jsonlines+json',
    'application/x-json-stream',
    'text/x-ndjson',
    'text/jsonl',
  ],
  csv: ['text/csv', 'application/csv', 'text/comma-separated-values'],
};
const forms = Object.keys(types) as ResultsFormat[];
const known = forms.flatMap((form) => types[form]);

/**
 * Returns the format of results that the `Accept` header prefers, JSON by default, and the content type that matched.
 * @throws {ServiceError} `request.not_acceptable`
 */
export function negotiateResultsFormat(request: Request): { type: string; format: ResultsFormat } {
  // A parameter such as `charset` does not select another format, but would keep the type from matching.
  request.headers.accept = request.get('accept')?.replace(/;\s*(?!q\s*=)[^;,]*/gi, '');
  const type = request.accepts(known);
  const format = forms.find((form) => types[form].some((name) => name === type));
  if (type !== false && format !== undefined) return { type, format };
  const supported = forms.map((form) => types[form][0]).join(', ');
  throw new ServiceError('request.not_acceptable', `Results are available as ${supported}; Accept allows none of them`);
}
