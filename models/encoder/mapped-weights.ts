import { closeSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { weightsFolderAt } from '../registry/weights.ts';
import { field, fieldsIn, integer, modelField, text } from './protobuf.ts';

/** The structure of a graph, and the folder with its weight files. */
export interface MappedGraph {
  bytes: Buffer;
  folder: string;
}

/** Smaller tensors (in bytes) stay in the graph, because ONNX Runtime infers shapes from some of them. */
const mappedBytes = 16 * 1024;

const graphField = { initializer: 5 } as const;
/** Fields of `TensorProto`. A `location` of 1 means that the values are in another file (external data). */
const tensorField = { raw: 9, external: 13, location: 14 } as const;
const externalLocation = 1;

/**
 * Reads a graph and replaces its large weights by references to the same file (external data). ONNX Runtime maps the
 * file, so encoders share the weights that no kernel rearranges: 630 instead of 1,210 MB per encoder of ViT-B/32.
 * @throws {Error} naming the file when it is not an ONNX model.
 */
export async function readMapped(path: string): Promise<MappedGraph> {
  const folder = await weightsFolderAt(path);
  const file = openSync(path, 'r');
  try {
    // In the hub's cache, the file is a link to another folder, which ONNX Runtime refuses.
    const real = realpathSync(path);
    const read = (start: number, end: number) => readAt(file, start, end);
    const { size } = fstatSync(file);
    const { bytes, hasOthers } = withoutWeights(read, size, basename(real));
    if (!hasOthers) return { bytes, folder: dirname(real) };
    // ONNX Runtime reads all external weights from one folder. If others are in another folder, the graph keeps its own
    // weights.
    return realpathSync(folder) === dirname(real) ? { bytes, folder } : { bytes: read(0, size), folder };
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  } finally {
    closeSync(file);
  }
}

type Read = (start: number, end: number) => Buffer;

function readAt(file: number, start: number, end: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(end - start);
  for (let at = 0; at < bytes.length; ) {
    const count = readSync(file, bytes, at, bytes.length - at, start + at);
    if (count === 0) throw new Error('the file was truncated while it was read');
    at += count;
  }
  return bytes;
}

/**
 * @param name the name of the file.
 * @returns the graph. `hasOthers` is true when it also has weights in other files.
 */
function withoutWeights(read: Read, size: number, name: string): { bytes: Buffer; hasOthers: boolean } {
  const fields = createFields(read);
  let hasOthers = false;

  /** Returns a copy of a tensor that refers to the file; undefined when the tensor keeps its values. */
  function mapped(start: number, end: number): Buffer | undefined {
    const parts = [...fields(start, end)];
    hasOthers ||= parts.some(({ number }) => number === tensorField.external);
    const raw = parts.find(({ number }) => number === tensorField.raw);
    if (raw === undefined || raw.end - raw.start < mappedBytes) return undefined;
    const place = { location: name, offset: raw.start, length: raw.end - raw.start };
    return Buffer.concat([
      ...parts.filter((part) => part !== raw).map((part) => read(part.at, part.end)),
      ...Object.entries(place).map(([key, value]) =>
        field(tensorField.external, Buffer.concat([text(1, key), text(2, String(value))])),
      ),
      integer(tensorField.location, externalLocation),
    ]);
  }

  const graph = (start: number, end: number): Buffer =>
    Buffer.concat(
      [...fields(start, end)].map((part) => {
        const tensor = part.number === graphField.initializer ? mapped(part.start, part.end) : undefined;
        return tensor === undefined ? read(part.at, part.end) : field(part.number, tensor);
      }),
    );
  const parts = [...fields(0, size)].map((part) =>
    part.number === modelField.graph ? field(part.number, graph(part.start, part.end)) : read(part.at, part.end),
  );
  return { bytes: Buffer.concat(parts), hasOthers };
}

interface Part {
  number: number;
  at: number;
  start: number;
  end: number;
}

/** The maximum length of a tag and a length together. */
const headerBytes = 20;
const windowBytes = 4 * 1024;

/** Iterates over the fields of a message without reading their contents. */
function createFields(read: Read): (start: number, end: number) => Generator<Part> {
  let window: Buffer = Buffer.alloc(0);
  let from = 0;
  return function* fields(start, end) {
    for (let at = start; at < end; ) {
      const most = Math.min(end, at + headerBytes);
      if (at < from || most > from + window.length) {
        window = read(at, Math.min(end, at + windowBytes));
        from = at;
      }
      const { value: header } = fieldsIn(window.subarray(at - from, most - from), 0, end - at).next();
      if (header === undefined) return;
      const part = { number: header.number, at, start: at + header.start, end: at + header.end };
      at = part.end;
      yield part;
    }
  };
}
