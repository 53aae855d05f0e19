import { ByteWriter, type ColumnSource, ParquetWriter } from 'hyparquet-writer';

/** The maximum number of embedding values in a row group, which is in memory until it is complete. */
const groupNumbers = 256 * 1024;

/** Writes embeddings as Parquet. Each method returns the finished bytes, which may be none. */
export interface EmbeddingWriter {
  start(): Uint8Array;
  /** @param embeddings those of consecutive items from index `first`; undefined for an item without one. */
  rows(first: number, embeddings: readonly (Float32Array | undefined)[]): Uint8Array;
  end(): Uint8Array;
}

/**
 * Creates a writer of embeddings as Parquet. The columns are the item's index, and its embedding as a list of 32-bit
 * floats or null.
 * @param facts how the embeddings were computed, stored as metadata.
 */
export function createEmbeddingWriter(dimensions: number, facts: object): EmbeddingWriter {
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({
    writer,
    schema: [
      { name: 'schema', num_children: 2 },
      { name: 'index', type: 'INT64', repetition_type: 'REQUIRED' },
      {
        name: 'embedding',
        num_children: 1,
        repetition_type: 'OPTIONAL',
        converted_type: 'LIST',
        logical_type: { type: 'LIST' },
      },
      { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
      { name: 'element', type: 'FLOAT', repetition_type: 'REQUIRED' },
    ],
    // Embedding values are almost random and do not compress.
    codec: 'UNCOMPRESSED',
    statistics: false,
    kvMetadata: [{ key: 'vls', value: JSON.stringify(facts) }],
    createdBy: 'vision-language-similarity',
  });
  const rowsPerGroup = Math.max(1, Math.floor(groupNumbers / dimensions));
  let indexes: bigint[] = [];
  let lists: (number[] | null)[] = [];

  function take(): Uint8Array {
    const bytes = writer.getBytes().slice();
    writer.index = 0;
    return bytes;
  }
  function flush(): void {
    if (indexes.length === 0) return;
    const columnData: ColumnSource[] = [
      { name: 'index', data: indexes, encoding: 'PLAIN' },
      { name: 'embedding', data: lists, encoding: 'PLAIN' },
    ];
    // The promise needs no await: the writer writes to memory and is finished when it returns.
    void parquet.write({ columnData, rowGroupSize: indexes.length });
    indexes = [];
    lists = [];
  }

  return {
    start: take,
    rows(first, embeddings) {
      for (const [at, embedding] of embeddings.entries()) {
        indexes.push(BigInt(first + at));
        lists.push(embedding === undefined ? null : Array.from(embedding));
        if (indexes.length === rowsPerGroup) flush();
      }
      return take();
    },
    end() {
      flush();
      void parquet.finish();
      return take();
    },
  };
}
