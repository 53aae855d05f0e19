import { read } from 'node:fs';
import { promisify } from 'node:util';
import type { AsyncBuffer } from 'hyparquet';
import { ServiceError } from '../../shared/errors.ts';
import type { ColumnNames, Header } from '../format.ts';
import type { Strictness } from '../items.ts';
import { frameOf, frameTypes } from './frames.ts';
import { itemsOfParquet } from './reader.ts';

/** The options of the child process that reads a file. The parent passes them as JSON, in the only argument. */
export interface ChildOptions {
  /** The length of the file in bytes. The file itself is open as descriptor 3. */
  bytes: number;
  columns: ColumnNames;
  strictness: Strictness;
}

/** An error about the file, in the form in which the child process sends it to its parent. */
export type ChildError = Pick<ServiceError, 'code' | 'message' | 'faults'>;

const descriptor = 3;
/** The number of characters of JSON after which the collected items are sent to the parent. */
const sentLength = 256 * 1024;

const readAt = promisify(read);

/** Returns an object that reads ranges of the file on demand. A range beyond the end of the file is shortened. */
function bufferOf(size: number): AsyncBuffer {
  return {
    byteLength: size,
    async slice(start, end = size) {
      const from = Math.min(Math.max(0, start), size);
      const length = Math.min(Math.max(from, end), size) - from;
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; ) {
        const { bytesRead } = await readAt(descriptor, bytes, at, length - at, from + at);
        if (bytesRead === 0) throw new Error('the file ends too early');
        at += bytesRead;
      }
      return bytes.buffer;
    },
  };
}

/**
 * Sends a frame (a message) to the parent. Resolves when the parent has read its bytes, or when they fit into the
 * buffer of the pipe.
 */
const send = (type: number, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(frameOf(type, Buffer.from(text)), (error) => (error ? reject(error) : resolve()));
  });

async function sendItems({ bytes, columns, strictness }: ChildOptions): Promise<void> {
  let header: Header | undefined;
  const sendHeader = async () => {
    if (header !== undefined) await send(frameTypes.header, JSON.stringify(header));
    header = undefined;
  };
  const onHeader = (found: Header) => {
    header = found;
  };
  for await (const items of itemsOfParquet(bufferOf(bytes), { columns, strictness }, onHeader)) {
    await sendHeader();
    let part = '';
    for (const item of items) {
      part += `${part === '' ? '[' : ','}${JSON.stringify(item)}`;
      if (part.length < sentLength) continue;
      await send(frameTypes.items, `${part}]`);
      part = '';
    }
    if (part !== '') await send(frameTypes.items, `${part}]`);
  }
  await sendHeader();
  await send(frameTypes.end, '');
}

process.title = 'vls-parquet';
// An error here means that the parent has ended.
process.stdout.on('error', () => process.exit(1));
const options = JSON.parse(process.argv[2] ?? '') as ChildOptions;
await sendItems(options).catch(async (error: unknown) => {
  const { code, message, faults }: ChildError =
    error instanceof ServiceError
      ? error
      : { code: 'request.invalid', message: `The Parquet file cannot be read: ${error}`, faults: undefined };
  await send(frameTypes.error, JSON.stringify({ code, message, faults }));
});
