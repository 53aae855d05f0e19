import { expect, test } from 'vitest';
import { rowCounter } from '../../../cli/row-counter.ts';
import type { FormatName } from '../../../shared/formats.ts';

test.each<[FormatName, string[], number | undefined]>([
  ['csv', ['text,score\n"two\nlines, ""quo', 'ted""",1\nb,2\n'], 2],
  ['csv', ['text,score\n'], 0],
  ['csv', ['text,score\na,1\nb,2'], 2],
  ['tsv', ['text\tscore\n"a\nb"\t1\n'], 1],
  ['ndjson', ['{"text":"a \\"quote"}\n', '{"text":"b"}\n'], 2],
  ['ndjson', [], 0],
  ['parquet', ['PAR1\n'], undefined],
])('the rows of %s are counted without the column names (%j)', (format, parts, rows) => {
  const counter = rowCounter(format);
  for (const part of parts) counter?.add(Buffer.from(part));
  expect(counter?.rows()).toBe(rows);
});
