/** The forms in which many items come, one a line or one a row. */
export type Format = 'ndjson' | 'csv';

/** What a file's name says of its form; `.gz` makes no difference. Nothing when it does not say. */
export function formatOfName(name: string): { format: Format; delimiter: string } | undefined {
  switch (/\.(ndjson|jsonl|csv|tsv)(\.gz)?$/i.exec(name)?.[1]?.toLowerCase()) {
    case 'ndjson':
    case 'jsonl':
      return { format: 'ndjson', delimiter: '' };
    case 'csv':
      return { format: 'csv', delimiter: ',' };
    case 'tsv':
      return { format: 'csv', delimiter: '\t' };
    default:
      return undefined;
  }
}
