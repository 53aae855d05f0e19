import { deflateSync, gzipSync } from 'node:zlib';

/** A value in the compact protocol of Thrift, which the metadata of Parquet is written in. */
type Value = { type: number; bytes: Buffer };

const varint = (value: bigint): Buffer => {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
};
const zigzag = (value: bigint): Buffer => varint(value >= 0n ? value * 2n : -value * 2n - 1n);

export const i32 = (value: number): Value => ({ type: 5, bytes: zigzag(BigInt(value)) });
export const i64 = (value: number | bigint): Value => ({ type: 6, bytes: zigzag(BigInt(value)) });
export const text = (value: string): Value => ({
  type: 8,
  bytes: Buffer.concat([varint(BigInt(Buffer.byteLength(value))), Buffer.from(value)]),
});
export const list = (values: readonly Value[], type = values[0]?.type ?? 12): Value => ({
  type: 9,
  bytes: Buffer.concat([
    Buffer.from([0xf0 | type]),
    varint(BigInt(values.length)),
    ...values.map(({ bytes }) => bytes),
  ]),
});
/** @param fields values by the numbers of their fields, in ascending order. */
export const struct = (fields: Record<number, Value | undefined>): Value => {
  const parts: Buffer[] = [];
  let last = 0;
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    parts.push(Buffer.from([((Number(name) - last) << 4) | value.type]), value.bytes);
    last = Number(name);
  }
  return { type: 12, bytes: Buffer.concat([...parts, Buffer.from([0])]) };
};

/** An element of a schema: a column of text, or a group of the elements that follow. */
export const element = (name: string, children?: number): Value =>
  struct({
    1: children === undefined ? i32(6) : undefined,
    3: i32(0),
    4: text(name),
    5: children === undefined ? undefined : i32(children),
    6: children === undefined ? i32(0) : undefined,
  });

/** The facts of a column chunk that a test chooses; by default one page of PLAIN text. */
export interface ColumnFacts {
  path?: string[];
  /** Number of its values. */
  values: number | bigint;
  page: Buffer;
  /** 0: none, 2: gzip. */
  codec?: number;
  uncompressedBytes?: number;
}

/** Returns a data page with its header. */
export function dataPage(options: {
  values: number;
  body: Buffer;
  /** Stated size after decompression. */
  states?: number;
  /** 0: PLAIN, 8: RLE_DICTIONARY. */
  encoding?: number;
}): Buffer {
  const { values, body, states = body.length, encoding = 0 } = options;
  const header = struct({
    1: i32(0),
    2: i32(states),
    3: i32(body.length),
    5: struct({ 1: i32(values), 2: i32(encoding), 3: i32(3), 4: i32(3) }),
  });
  return Buffer.concat([header.bytes, body]);
}

/** Returns the bytes of PLAIN text. */
export const plainText = (values: readonly string[]): Buffer =>
  Buffer.concat(
    values.flatMap((value) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(Buffer.byteLength(value));
      return [length, Buffer.from(value)];
    }),
  );

/** Returns a Parquet file with one row group, whose metadata may state anything. */
export function parquetBytes(options: {
  schema: readonly Value[];
  columns: Record<string, ColumnFacts>;
  /** Stated rows of the row group. */
  rows: number | bigint;
  /** Stated rows of the file. */
  total?: number | bigint;
}): Buffer {
  const { schema, columns, rows, total = rows } = options;
  const parts: Buffer[] = [Buffer.from('PAR1')];
  let offset = 4;
  const chunks: Value[] = [];
  for (const [name, { path = [name], values, page, codec = 0, uncompressedBytes = page.length }] of Object.entries(
    columns,
  )) {
    const metadata = struct({
      1: i32(6),
      2: list([i32(0)]),
      3: list(path.map(text)),
      4: i32(codec),
      5: i64(values),
      6: i64(uncompressedBytes),
      7: i64(page.length),
      9: i64(offset),
    });
    chunks.push(struct({ 2: i64(offset), 3: metadata }));
    parts.push(page);
    offset += page.length;
  }
  const group = struct({ 1: list(chunks, 12), 2: i64(offset), 3: i64(rows) });
  const metadata = struct({ 1: i32(2), 2: list(schema), 3: i64(total), 4: list([group]) }).bytes;
  const length = Buffer.alloc(4);
  length.writeUInt32LE(metadata.length);
  return Buffer.concat([...parts, metadata, length, Buffer.from('PAR1')]);
}

const pairSchema = [element('schema', 2), element('image'), element('text')];

/** Returns a file of valid pairs. */
export function pairsParquet(pairs: readonly { image: string; text: string }[]): Buffer {
  const column = (values: readonly string[]): ColumnFacts => ({
    values: values.length,
    page: dataPage({ values: values.length, body: plainText(values) }),
  });
  return parquetBytes({
    schema: pairSchema,
    columns: { image: column(pairs.map(({ image }) => image)), text: column(pairs.map((pair) => pair.text)) },
    rows: pairs.length,
  });
}

/** Files that are made to exhaust memory or time, or that state what they do not have. All are small. */
export function hostileParquet(): Record<string, Buffer> {
  const valid = pairsParquet([{ image: 'https://images.example/1.jpg', text: 'one' }]);
  const withImage = (image: ColumnFacts, rows: number | bigint, total?: number | bigint) =>
    parquetBytes({
      schema: pairSchema,
      columns: {
        image,
        text: { values: image.values, page: dataPage({ values: Number(image.values), body: plainText(['x']) }) },
      },
      rows,
      ...(total !== undefined && { total }),
    });
  const deepSchema = [
    ...[element('schema', 2), element('image')],
    ...Array.from({ length: 500 }, (_, level) => element(`level${level}`, 1)),
    element('text'),
  ];
  const nestedThrift = Buffer.alloc(2 * 1024 * 1024, 0x1c);
  const footer = Buffer.alloc(4);
  footer.writeUInt32LE(nestedThrift.length);
  return {
    'a page that states 2 GiB': withImage(
      { values: 1, codec: 2, page: dataPage({ values: 1, body: gzipSync('x'), states: 2 ** 31 - 1 }) },
      1,
    ),
    'a page of a thousand million values': withImage(
      {
        values: 10 ** 9,
        page: dataPage({ values: 10 ** 9, body: Buffer.from([1, 0x80, 0x94, 0xeb, 0xdc, 0x03, 0]), encoding: 8 }),
      },
      65_536,
    ),
    'a row group of a million million rows': withImage(
      { values: 10n ** 12n, page: dataPage({ values: 1, body: plainText(['x']) }) },
      10n ** 12n,
    ),
    'a negative number of rows': withImage({ values: 1, page: dataPage({ values: 1, body: plainText(['x']) }) }, -1n),
    'more rows than its row groups': withImage(
      { values: 1, page: dataPage({ values: 1, body: plainText(['x']) }) },
      1,
      10n ** 15n,
    ),
    'rows that its columns do not have': withImage(
      { values: 1, page: dataPage({ values: 1, body: plainText(['x']) }) },
      1_000_000,
    ),
    'a schema of 500 levels': parquetBytes({ schema: deepSchema, columns: {}, rows: 0 }),
    'a schema that states more parts than it has': parquetBytes({
      schema: [element('schema', 2 ** 31 - 1), element('image')],
      columns: {},
      rows: 0,
    }),
    'metadata that nests a million times': Buffer.concat([
      Buffer.from('PAR1'),
      nestedThrift,
      footer,
      Buffer.from('PAR1'),
    ]),
    'no footer': valid.subarray(0, valid.length - 4),
    'half a footer': Buffer.concat([valid.subarray(0, valid.length - 40), valid.subarray(-8)]),
    'nothing but its marks': Buffer.from('PAR1PAR1'),
    'deflated bytes': deflateSync(valid),
  };
}
