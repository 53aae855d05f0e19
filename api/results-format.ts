import type { Request } from 'express';
import { ServiceError } from '../shared/errors.ts';

export type ResultsFormat = 'json' | 'ndjson' | 'csv';

/** The forms of results by the content types that clients ask for them with; the first of each is the documented one. */
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
 * The form that a client prefers by its `Accept`, JSON where it does not mind, and the name it calls that form by.
 * @throws {ServiceError} `request.not_acceptable`
 */
export function negotiateResultsFormat(request: Request): { type: string; format: ResultsFormat } {
  // A `charset` there is no wish for another form; as it stands it would match nothing.
  request.headers.accept = request.get('accept')?.replace(/;\s*(?!q\s*=)[^;,]*/gi, '');
  const type = request.accepts(known);
  const format = forms.find((form) => types[form].some((name) => name === type));
  if (type !== false && format !== undefined) return { type, format };
  const there = forms.map((form) => types[form][0]).join(', ');
  throw new ServiceError('request.not_acceptable', `Results come as ${there}, and none of them is accepted`);
}
