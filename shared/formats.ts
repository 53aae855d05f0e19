/** File formats of batches, described as plain data that the page uses too. Readers and writers are in `formats/`. */
export const formatNames = ['ndjson', 'csv', 'tsv', 'json', 'parquet', 'tar'] as const;
export type FormatName = (typeof formatNames)[number];

export interface BatchFormat {
  name: FormatName;
  /** The name that users see, for example `CSV`. */
  label: string;
  /** Media types in lower case. The documentation names the first. */
  mediaTypes: readonly [string, ...string[]];
  /** File name endings without the dot. New files get the first. */
  endings: readonly [string, ...string[]];
  isRead: boolean;
  isWritten: boolean;
  /** True when the format is text and has a character encoding. */
  isText: boolean;
  mayBeGzip: boolean;
  /** True when a file can be read while it arrives. Others are first stored on disk. */
  isStreamed: boolean;
  /** True when a file names its columns once, in a header or a schema. */
  hasColumns: boolean;
  /** The characters that begin every file; absent when any text may. */
  start?: string;
  summary: string;
  /** A short file with one item; absent for binary formats. */
  example?: string;
}

const exampleItem = '{"id": "i0", "image": "https://example.org/cat.jpg", "text": "a cat"}';

const all: { [Name in FormatName]: BatchFormat & { name: Name } } = {
  csv: {
    name: 'csv',
    label: 'CSV',
    mediaTypes: ['text/csv', 'application/csv', 'text/comma-separated-values'],
    endings: ['csv'],
    isRead: true,
    isWritten: true,
    isText: true,
    mayBeGzip: true,
    isStreamed: true,
    hasColumns: true,
    summary:
      'A header row with image, text and optionally id, then one row for each item. Further columns become metadata.',
    example: 'id,image,text\ni0,https://example.org/cat.jpg,a cat\n',
  },
  tsv: {
    name: 'tsv',
    label: 'TSV',
    mediaTypes: ['text/tab-separated-values', 'text/tsv'],
    endings: ['tsv'],
    isRead: true,
    isWritten: true,
    isText: true,
    mayBeGzip: true,
    isStreamed: true,
    hasColumns: true,
    summary: 'CSV whose columns are separated by tabs.',
    example: 'id\timage\ttext\ni0\thttps://example.org/cat.jpg\ta cat\n',
  },
  ndjson: {
    name: 'ndjson',
    label: 'NDJSON',
    mediaTypes: [
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
    endings: ['ndjson', 'jsonl'],
    isRead: true,
    isWritten: true,
    isText: true,
    mayBeGzip: true,
    isStreamed: true,
    hasColumns: false,
    start: '{',
    summary:
      'One JSON object on each line, with image, text and optionally id and metadata. A line may also be a line of an OpenAI batch file: a request for `/v1/score` with one image and one text.',
    example: `${exampleItem}\n`,
  },
  json: {
    name: 'json',
    label: 'JSON',
    mediaTypes: ['application/json'],
    endings: ['json'],
    isRead: true,
    isWritten: false,
    isText: true,
    mayBeGzip: true,
    isStreamed: true,
    hasColumns: false,
    start: '[',
    summary: 'One JSON array of items.',
    example: `[${exampleItem}]\n`,
  },
  parquet: {
    name: 'parquet',
    label: 'Parquet',
    mediaTypes: ['application/vnd.apache.parquet', 'application/x-parquet', 'application/parquet'],
    endings: ['parquet'],
    isRead: true,
    isWritten: true,
    isText: false,
    mayBeGzip: false,
    isStreamed: false,
    hasColumns: true,
    start: 'PAR1',
    summary: 'Columns image, text and optionally id. The image is an address, a path, bytes, or `{bytes, path}`.',
  },
  tar: {
    name: 'tar',
    label: 'WebDataset',
    mediaTypes: ['application/x-tar', 'application/tar', 'application/x-gtar'],
    endings: ['tar', 'tgz'],
    isRead: true,
    isWritten: false,
    isText: false,
    mayBeGzip: true,
    isStreamed: true,
    hasColumns: false,
    summary: 'A tar with an image (`.jpg`, `.png`, `.webp`) and a text (`.txt` or `.json`) for each key.',
  },
};

/** All formats, in the order of the documentation. */
export const formats: readonly BatchFormat[] = formatNames.map((name) => all[name]);

/** Returns the query that adds the text and the image to results in a format without the columns of the input. */
export const itemsQuery = ({ hasColumns }: BatchFormat): { items?: 'true' } => (hasColumns ? {} : { items: 'true' });

export const formatNamed = (name: FormatName): BatchFormat => all[name];

/** Returns the format of a media type, ignoring parameters and case. */
export function formatOfMediaType(type: string): BatchFormat | undefined {
  const name = type.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return formats.find(({ mediaTypes }) => mediaTypes.includes(name));
}

export interface NamedFile {
  format: BatchFormat;
  /** The name without its ending. */
  stem: string;
  /** In lower case, without the dot and without `.gz`. */
  ending: string;
  isGzip: boolean;
}

const gzip = '.gz';

/**
 * Returns the format by the file name's ending, or undefined if it is unknown. `.gz` may follow if {@link
 * BatchFormat.mayBeGzip}.
 */
export function formatOfFile(name: string): NamedFile | undefined {
  const lower = name.toLowerCase();
  const isGzip = lower.endsWith(gzip);
  const plain = isGzip ? lower.slice(0, -gzip.length) : lower;
  for (const format of formats) {
    const ending = format.endings.find((each) => plain.endsWith(`.${each}`));
    if (ending === undefined || (isGzip && !format.mayBeGzip)) continue;
    return { format, stem: name.slice(0, plain.length - ending.length - 1), ending, isGzip };
  }
  return undefined;
}

/**
 * Returns the format by the first bytes of an uncompressed file, or undefined. Formats without {@link
 * BatchFormat.start} cannot be detected.
 */
export function formatOfStart(bytes: Uint8Array): BatchFormat | undefined {
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, 512)).replace(/^\xef\xbb\xbf/, '');
  return formats.find(
    ({ start, isText }) => start !== undefined && (isText ? text.trimStart() : text).startsWith(start),
  );
}

/** Returns for example `.csv, .tsv or .json`. */
export const endingsInWords = (some: readonly BatchFormat[], last = 'or'): string =>
  inWords(
    some.flatMap(({ endings }) => endings.map((ending) => `.${ending}`)),
    last,
  );

/** Returns for example `CSV, TSV and NDJSON`. */
export const labelsInWords = (some: readonly BatchFormat[], last = 'and'): string =>
  inWords(
    some.map(({ label }) => label),
    last,
  );

const inWords = (names: readonly string[], last: string): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} ${last} ${names.at(-1)}`;
