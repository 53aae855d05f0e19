import { join } from 'node:path';
import { fieldsIn, lengthDelimited, modelField, numberIn, type Span, textIn } from '../encoder/protobuf.ts';
import { OnnxFile, textsIn, whole } from './onnx-file.ts';

/** Field numbers of the messages in onnx.proto. */
export const modelFields = { irVersion: 1, ...modelField, opset: 8 } as const;
export const graphFields = { node: 1, constant: 5, input: 11, output: 12, valueInfo: 13 } as const;
export const nodeFields = { input: 1, output: 2, name: 3, op: 4, attribute: 5, domain: 7 } as const;
export const tensorFields = { dims: 1, type: 2, floats: 4, name: 8, raw: 9, external: 13, location: 14 } as const;
/** Element types, as in `TensorProto.DataType`. */
export const elementTypes = { float: 1, uint8: 2, int8: 3, int64: 7 } as const;

export interface GraphNode {
  /** The unchanged bytes of the node in the file. */
  bytes: Buffer;
  op: string;
  /** The operator set of `op`. Empty for the standard operators of ONNX. */
  domain: string;
  inputs: readonly string[];
  outputs: readonly string[];
  /** The names of all values that the node reads, also inside subgraphs such as loop bodies. */
  reads: readonly string[];
}

/** The position of a constant's values on disk, in bytes. */
export interface Stored {
  path: string;
  start: number;
  end: number;
}

/** A constant of the graph (an ONNX initializer). */
export interface Constant {
  name: string;
  dims: readonly number[];
  type: number;
  /**
   * The position of the values, little-endian and in row-major order. Undefined when the file stores them in another
   * form.
   */
  stored: Stored | undefined;
  /** The position of the constant's protobuf message in the file. */
  message: Span;
}

export interface NamedPart {
  name: string;
  bytes: Buffer;
}

/** The structure of an ONNX file, without its weights. */
export interface OnnxGraph {
  irVersion: number;
  /** The version of each operator set, by domain. */
  opsets: ReadonlyMap<string, number>;
  nodes: readonly GraphNode[];
  constants: ReadonlyMap<string, Constant>;
  inputs: readonly NamedPart[];
  outputs: readonly NamedPart[];
  /** The remaining fields, as unchanged bytes. */
  otherOfModel: readonly Buffer[];
  otherOfGraph: readonly Buffer[];
}

/**
 * @param folder the folder with the external weights.
 * @throws {Error} naming the file, when it is not an ONNX model.
 */
export function readGraph(file: OnnxFile, folder: string): OnnxGraph {
  const graph = {
    irVersion: 0,
    opsets: new Map<string, number>(),
    nodes: [] as GraphNode[],
    constants: new Map<string, Constant>(),
    inputs: [] as NamedPart[],
    outputs: [] as NamedPart[],
    otherOfModel: [] as Buffer[],
    otherOfGraph: [] as Buffer[],
  };
  const named = (part: Span & { at: number }): NamedPart => {
    const content = file.bytes(part);
    return { name: textIn(content, whole(content), 1), bytes: content };
  };
  const readPart = (part: Span & { at: number; number: number; wireType: number }): void => {
    if (part.number === graphFields.node) graph.nodes.push(readNode(file.bytes(part)));
    else if (part.number === graphFields.constant) {
      const constant = readConstant(file, part, folder);
      graph.constants.set(constant.name, constant);
    } else if (part.number === graphFields.input) graph.inputs.push(named(part));
    else if (part.number === graphFields.output) graph.outputs.push(named(part));
    // Value infos are left out: some of their types and shapes are wrong in int8, and ONNX Runtime infers them.
    else if (part.number !== graphFields.valueInfo) {
      graph.otherOfGraph.push(file.bytes({ start: part.at, end: part.end }));
    }
  };
  let isModel = false;
  for (const part of file.fields()) {
    if (part.number === modelFields.irVersion) graph.irVersion = part.value;
    else if (part.number === modelFields.opset) {
      const opset = file.bytes(part);
      graph.opsets.set(textIn(opset, whole(opset), 1), numberIn(opset, whole(opset), 2));
    } else if (part.number === modelFields.graph && part.wireType === lengthDelimited) {
      isModel = true;
      for (const inner of file.fields(part.start, part.end)) readPart(inner);
    } else graph.otherOfModel.push(file.bytes({ start: part.at, end: part.end }));
  }
  if (!isModel) throw new Error(`${file.path} is not an ONNX model`);
  return graph;
}

function readNode(bytes: Buffer): GraphNode {
  const span = whole(bytes);
  const inputs = textsIn(bytes, span, nodeFields.input);
  return {
    bytes,
    op: textIn(bytes, span, nodeFields.op),
    domain: textIn(bytes, span, nodeFields.domain),
    inputs,
    outputs: textsIn(bytes, span, nodeFields.output),
    reads: [...inputs, ...readsInside(bytes, span)],
  };
}

const attributeFields = { graph: 6, graphs: 11 } as const;

/** Returns the values that subgraphs of a node read, such as branches and loop bodies. */
function readsInside(bytes: Buffer, node: Span): string[] {
  const names: string[] = [];
  for (const part of fieldsIn(bytes, node.start, node.end)) {
    if (part.number !== nodeFields.attribute) continue;
    for (const attribute of fieldsIn(bytes, part.start, part.end)) {
      if (attribute.wireType !== lengthDelimited) continue;
      if (attribute.number !== attributeFields.graph && attribute.number !== attributeFields.graphs) continue;
      for (const inner of fieldsIn(bytes, attribute.start, attribute.end)) {
        if (inner.number === graphFields.node) {
          names.push(...textsIn(bytes, inner, nodeFields.input), ...readsInside(bytes, inner));
        }
        if (inner.number === graphFields.output) names.push(textIn(bytes, inner, 1));
      }
    }
  }
  return names;
}

function readConstant(file: OnnxFile, message: Span, folder: string): Constant {
  const dims: number[] = [];
  let [name, type] = ['', 0];
  let stored: Stored | undefined;
  const external = new Map<string, string>();
  for (const part of file.fields(message.start, message.end)) {
    if (part.number === tensorFields.dims) {
      if (part.wireType !== lengthDelimited) dims.push(part.value);
      else dims.push(...packedIntegers(file.bytes(part)));
    } else if (part.number === tensorFields.type) type = part.value;
    else if (part.number === tensorFields.name) name = file.bytes(part).toString();
    // Packed floats have the same bytes as raw values.
    else if (
      part.number === tensorFields.raw ||
      (part.number === tensorFields.floats && part.wireType === lengthDelimited)
    ) {
      if (part.end > part.start) stored = { path: file.path, start: part.start, end: part.end };
    } else if (part.number === tensorFields.external) {
      const entry = file.bytes(part);
      external.set(textIn(entry, whole(entry), 1), textIn(entry, whole(entry), 2));
    }
  }
  const location = external.get('location');
  if (location !== undefined) stored = storedAt(join(folder, location), external, `${file.path}: the weights ${name}`);
  return { name, dims, type, stored, message };
}

function packedIntegers(bytes: Buffer): number[] {
  const values: number[] = [];
  let [value, factor] = [0, 1];
  for (const byte of bytes) {
    value += (byte & 127) * factor;
    factor *= 128;
    if (byte >= 128) continue;
    values.push(value);
    [value, factor] = [0, 1];
  }
  return values;
}

function storedAt(path: string, external: ReadonlyMap<string, string>, what: string): Stored {
  const start = Number(external.get('offset') ?? 0);
  const length = Number(external.get('length') ?? Number.NaN);
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(length) || length < 0 || start < 0) {
    throw new Error(`${what} have no valid offset and length in ${path}`);
  }
  return { path, start, end: start + length };
}

/** Reads weights. Each file is opened once, and closed on disposal. */
export class WeightFiles implements Disposable {
  readonly #files = new Map<string, OnnxFile>();

  [Symbol.dispose](): void {
    for (const file of this.#files.values()) file[Symbol.dispose]();
  }

  read({ path, start, end }: Stored): Buffer {
    const file = this.#files.get(path) ?? new OnnxFile(path);
    this.#files.set(path, file);
    return file.bytes({ start, end });
  }
}
