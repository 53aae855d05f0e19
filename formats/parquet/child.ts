import { read } from 'node:fs';
import { promisify } from 'node:util';
import type { AsyncBuffer } from 'hyparquet';
import { ServiceError } from '../../shared/errors.ts';
import type { ColumnNames, Header } from '../format.ts';
import type { Strictness } from '../items.ts';
import { frameOf, frameTypes } from './frames.ts';
import { itemsOfParquet } from './reader.ts';
import { subsetOfBuffer } from './subset.ts';

/** The work of the child process: to send the items, or a file with the rows whose bit in standard input is set. */
export type ChildTask =
  | { kind: 'items'; columns: ColumnNames; strictness: Strictness; isCopied?: boolean | undefined }
  | { kind: 'subset'; metadata: Readonly<Record<string, string>> };

/** The options of the child process. The parent passes them as JSON in the only argument. */
export type ChildOptions = ChildTask & {
  /** The length in bytes of the file, which is open as descriptor 3. */
  bytes: number;
};

export type ChildError = Pick<ServiceError, 'code' | 'message' | 'faults'>;

const descriptor = 3;
/** The length of JSON in characters after which the collected items are sent. */
const sentLength = 256 * 1024;
/** The maximum number of file bytes in a frame. */
const sentBytes = 1024 * 1024;

const readAt = promisify(read);

/** Returns a reader of byte ranges of the file. A range beyond the end is shortened. */
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

/** Sends a frame to the parent. Resolves when its bytes have been read, or fit into the pipe's buffer. */
const send = (type: number, content: string | Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(frameOf(type, Buffer.from(content)), (error) => (error ? reject(error) : resolve()));
  });

async function sendItems({ bytes, columns, strictness, isCopied }: ChildOptions & { kind: 'items' }): Promise<void> {
  let header: Header | undefined;
  const sendHeader = async () => {
    if (header !== undefined) await send(frameTypes.header, JSON.stringify(header));
    header = undefined;
  };
  const onHeader = (found: Header) => {
    header = found;
  };
  for await (const items of itemsOfParquet(bufferOf(bytes), { columns, strictness, isCopied }, onHeader)) {
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
}

async function sendSubset({ bytes, metadata }: ChildOptions & { kind: 'subset' }): Promise<void> {
  const kept = Buffer.concat(await process.stdin.toArray());
  const isKept = (index: number) => (((kept[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
  for await (const part of subsetOfBuffer(bufferOf(bytes), isKept, { metadata, isBounded: true })) {
    for (let at = 0; at < part.length; at += sentBytes) {
      await send(frameTypes.bytes, part.subarray(at, at + sentBytes));
    }
  }
}

process.title = 'vls-parquet';
// An error here means that the parent has ended.
process.stdout.on('error', () => process.exit(1));
const options = JSON.parse(process.argv[2] ?? '') as ChildOptions;
try {
  await (options.kind === 'items' ? sendItems(options) : sendSubset(options));
  await send(frameTypes.end, '');
} catch (error) {
  const { code, message, faults }: ChildError =
    error instanceof ServiceError
      ? error
      : { code: 'request.invalid', message: `The Parquet file cannot be read: ${error}`, faults: undefined };
  await send(frameTypes.error, JSON.stringify({ code, message, faults }));
}
