import { closeSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { weightsFolderAt } from '../registry/weights.ts';
import { field, fieldsIn, integer, modelField, text } from './protobuf.ts';

/** A graph for ONNX Runtime: its structure as bytes, and the folder of the files with its weights. */
export interface MappedGraph {
  bytes: Buffer;
  /** Value of the session option `model_external_initializers_file_folder_path`. */
  folder: string;
}

/** Smaller tensors stay in the graph: ONNX Runtime infers shapes from the values of some. */
const mappedBytes = 16 * 1024;

const graphField = { initializer: 5 } as const;
/** `TensorProto`; a `location` of 1 means that the tensor is external. */
const tensorField = { raw: 9, external: 13, location: 14 } as const;
const externalLocation = 1;

/**
 * Reads a graph without its large weights. Each of them becomes external data: a place in the same file. ONNX Runtime maps
 * that file, and copies only what a kernel packs, so an encoder of ViT-B/32 takes 630 MB instead of 1,210, and weights that
 * no kernel packs are shared by all encoders.
 * @throws {Error} naming the file, when it is not an ONNX model.
 */
export async function readMapped(path: string): Promise<MappedGraph> {
  const folder = await weightsFolderAt(path);
  const file = openSync(path, 'r');
  try {
    // ONNX Runtime refuses files behind a link that leaves their folder, as in a cache of the hub.
    const real = realpathSync(path);
    const read = (start: number, end: number) => readAt(file, start, end);
    const { size } = fstatSync(file);
    const { bytes, hasOthers } = withoutWeights(read, size, basename(real));
    if (!hasOthers) return { bytes, folder: dirname(real) };
    // All external data of a graph lies in one folder.
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
 * @returns the graph, and whether some of its weights are in other files.
 */
function withoutWeights(read: Read, size: number, name: string): { bytes: Buffer; hasOthers: boolean } {
  const fields = createFields(read);
  let hasOthers = false;

  /** Returns the tensor with its place in place of its values; undefined when it stays as it is. */
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
  /** Offset of the tag. */
  at: number;
  start: number;
  end: number;
}

/** Maximum bytes of a tag and a length. */
const headerBytes = 20;
const windowBytes = 4 * 1024;

/** Returns a function that iterates the fields of a message in a file, reading their headers and skipping their contents. */
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
