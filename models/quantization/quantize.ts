import { closeSync, openSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { field, fieldsIn, integer, text } from '../encoder/protobuf.ts';
import { requireWeights, weightsFolderAt } from '../registry/weights.ts';
import { evaluate, expressionOf } from './evaluate.ts';
import {
  type Constant,
  elementTypes,
  type GraphNode,
  graphFields,
  modelFields,
  nodeFields,
  type OnnxGraph,
  readGraph,
  WeightFiles,
} from './graph.ts';
import { quantizeColumns } from './matrix.ts';
import { externalTensor, tensorMessage } from './messages.ts';
import { OnnxFile } from './onnx-file.ts';
import { type MatrixNames, multiplyRows, type QuantizedRows, quantizeRows, shared } from './rewrite.ts';

export interface Quantized {
  /** The number of matrix products with an int8 matrix. */
  products: number;
  /** The number of values in all int8 matrices. */
  values: number;
}

/** Tensors of fewer bytes stay in the graph, because ONNX Runtime reads shapes only from there. */
const leastExternal = 1024;
/**
 * The alignment of tensors in bytes. ONNX Runtime maps the file into memory, and each tensor begins at a memory page.
 */
const alignment = 4096;
/** The first version of the operator set in which ReduceMax accepts a negative axis. */
const leastOpset = 11;

export const weightsOf = (target: string): string => `${target}_data`;

/** A product of activations and a constant matrix. */
interface Product {
  node: GraphNode;
  matrix: string;
  isTransposed: boolean;
  factor: number;
  bias: string | undefined;
}

/**
 * Writes the int8 form of an fp32 graph. Constant matrices get a scale for each column. At run time, the graph rounds
 * the activations of a matrix product to int8, with a scale for each row. Embedding tables, convolutions, layer norms
 * and the products within attention stay in fp32. Only one matrix at a time is in memory.
 * @param source an ONNX file. Its weights may be in files next to it.
 * @param target the new graph. Its weights are written to {@link weightsOf}.
 * @param outputs the possible names of the embedding output of each encoder, the preferred one first. Other outputs are
 * removed. Default: all outputs.
 * @throws {Error} naming the file, when it is not an ONNX model in fp32 or when its weights are missing.
 */
export async function quantize(
  source: string,
  target: string,
  outputs: readonly (readonly string[])[] = [],
): Promise<Quantized> {
  await requireWeights(source);
  using file = new OnnxFile(source);
  using weights = new WeightFiles();
  const graph = withOutputs(readGraph(file, await weightsFolderAt(source)), outputs);
  const opset = graph.opsets.get('') ?? graph.opsets.get('ai.onnx') ?? 0;
  if (opset < leastOpset) throw new Error(`${source} has opset ${opset}; int8 needs ${leastOpset} or later`);

  const messageOf = ({ message }: Constant) => file.bytes(message);
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const data = new DataFile(weightsOf(target));
  try {
    const matrices = new Map<string, MatrixNames>();
    const tensors: Buffer[] = [...sharedTensors(opset)];
    let valueCount = 0;
    /** Adds the int8 form of a matrix to the written tensors, once for all products that use it. */
    const addMatrix = async ({ matrix, isTransposed, factor }: Product) => {
      const key = `${matrix}\n${isTransposed}\n${factor}`;
      const known = matrices.get(key);
      if (known !== undefined) return known;
      const found = await matrixOf(matrix, graph, producers, weights, messageOf);
      if (found === undefined) return undefined;
      let quantized: ReturnType<typeof quantizeColumns>;
      try {
        quantized = quantizeColumns(found.values, found.dims, isTransposed, factor);
      } catch (cause) {
        throw new Error(`${source}: the matrix ${matrix}: ${(cause as Error).message}`, { cause });
      }
      const { rows, columns, values, scales, sums } = quantized;
      const name = (part: string) => `vls.int8.${matrices.size}.${part}`;
      const names = { values: name('values'), scales: name('scales'), sums: name('sums') };
      tensors.push(data.add(names.values, elementTypes.int8, [rows, columns], Buffer.from(values.buffer)));
      tensors.push(data.add(names.scales, elementTypes.float, [columns], Buffer.from(scales.buffer)));
      tensors.push(data.add(names.sums, elementTypes.float, [1, columns], Buffer.from(sums.buffer)));
      matrices.set(key, names);
      valueCount += values.length;
      return names;
    };

    const last = lastProducts(graph);
    const nodes: { bytes: Buffer; reads: readonly string[]; outputs: readonly string[] }[] = [];
    const rowsOf = new Map<string, QuantizedRows>();
    let products = 0;
    for (const node of graph.nodes) {
      const product = last.has(node) ? undefined : productOf(node);
      const names = product === undefined ? undefined : await addMatrix(product);
      const [activations = ''] = node.inputs;
      const [output = ''] = node.outputs;
      if (product === undefined || names === undefined) {
        nodes.push(node);
        continue;
      }
      products++;
      let rows = rowsOf.get(activations);
      if (rows === undefined) {
        const added = quantizeRows(activations, opset);
        rows = added.rows;
        rowsOf.set(activations, rows);
        nodes.push(...added.nodes.map(newNode));
      }
      nodes.push(...multiplyRows(rows, names, output, product.bias).map(newNode));
    }
    if (products === 0) {
      throw new Error(
        `${source} has no matrix product with constant fp32 weights, so nothing can be converted to int8`,
      );
    }
    const needed = neededFor(graph, nodes);
    const kept = [...graph.constants.values()].filter(({ name }) => needed.has(name));
    for (const constant of kept) {
      const { name, type, dims, stored } = constant;
      const isInside = stored === undefined || stored.end - stored.start < leastExternal;
      if (!isInside) tensors.push(data.add(name, type, dims, weights.read(stored)));
      else if (stored === undefined) tensors.push(messageOf(constant));
      else tensors.push(tensorMessage(name, type, dims, weights.read(stored)));
    }
    const written = nodes.filter(({ outputs }) => outputs.some((name) => needed.has(name)));
    writeWhole(target, modelOf(graph, written, tensors));
    return { products, values: valueCount };
  } finally {
    data.close();
  }
}

const newNode = (bytes: Buffer) => ({
  bytes,
  reads: textsOf(bytes, nodeFields.input),
  outputs: textsOf(bytes, nodeFields.output),
});

const textsOf = (bytes: Buffer, number: number): string[] =>
  [...fieldsIn(bytes)]
    .filter((part) => part.number === number)
    .map(({ start, end }) => bytes.subarray(start, end).toString());

/** Returns the graph without the outputs that this service does not read, such as hidden layers. */
function withOutputs(graph: OnnxGraph, wanted: readonly (readonly string[])[]): OnnxGraph {
  const names = graph.outputs.map(({ name }) => name);
  const kept = wanted.map((list) => list.find((name) => names.includes(name)));
  const outputs = graph.outputs.filter(({ name }) => kept.includes(name));
  return outputs.length === 0 ? graph : { ...graph, outputs };
}

/** Returns undefined for operators other than MatMul and Gemm, and for unsupported attributes of Gemm. */
function productOf(node: GraphNode): Product | undefined {
  const { op, domain, inputs } = node;
  const [, matrix = '', bias] = inputs;
  if ((domain !== '' && domain !== 'ai.onnx') || matrix === '') return undefined;
  if (op === 'MatMul') return { node, matrix, isTransposed: false, factor: 1, bias: undefined };
  if (op !== 'Gemm') return undefined;
  const numbers = numbersOf(node);
  const beta = numbers.get('beta') ?? 1;
  if ((numbers.get('transA') ?? 0) !== 0 || (bias !== undefined && bias !== '' && beta !== 1)) return undefined;
  return {
    node,
    matrix,
    isTransposed: (numbers.get('transB') ?? 0) !== 0,
    factor: numbers.get('alpha') ?? 1,
    bias: bias === '' ? undefined : bias,
  };
}

/**
 * Returns the matrix products whose result reaches an output without another matrix product. They stay in fp32: they
 * process one row for each input, so fp32 costs little time, and rounding would directly affect the embedding.
 */
function lastProducts({ nodes, outputs }: OnnxGraph): Set<GraphNode> {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const last = new Set<GraphNode>();
  const seen = new Set(outputs.map(({ name }) => name));
  for (const name of seen) {
    const node = producers.get(name);
    if (node === undefined) continue;
    if (productOf(node) !== undefined) last.add(node);
    else for (const read of node.reads) seen.add(read);
  }
  return last;
}

function numbersOf({ bytes }: GraphNode): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const part of fieldsIn(bytes)) {
    if (part.number !== nodeFields.attribute) continue;
    let name = '';
    let value: number | undefined;
    for (const inner of fieldsIn(bytes, part.start, part.end)) {
      if (inner.number === 1) name = bytes.subarray(inner.start, inner.end).toString();
      if (inner.number === 2) value = bytes.readFloatLE(inner.start);
      if (inner.number === 3) value = inner.value;
    }
    if (value !== undefined) numbers.set(name, value);
  }
  return numbers;
}

/** Returns undefined when `name` is not a constant fp32 matrix. */
async function matrixOf(
  name: string,
  graph: OnnxGraph,
  producers: ReadonlyMap<string, GraphNode>,
  weights: WeightFiles,
  messageOf: (constant: Constant) => Buffer,
): Promise<{ dims: readonly [number, number]; values: Float32Array } | undefined> {
  const constant = graph.constants.get(name);
  if (constant === undefined || constant.stored === undefined) {
    const expression = expressionOf(name, graph, producers);
    return expression && (await evaluate(name, expression, graph, weights, messageOf));
  }
  const [first, second, ...more] = constant.dims;
  if (constant.type !== elementTypes.float || first === undefined || second === undefined || more.length > 0) {
    return undefined;
  }
  const bytes = weights.read(constant.stored);
  if (bytes.length !== 4 * first * second) {
    throw new Error(
      `${constant.stored.path}: the weights ${name} have ${bytes.length} bytes, but their shape requires ${4 * first * second}`,
    );
  }
  return { dims: [first, second], values: new Float32Array(bytes.buffer) };
}

/** Returns the names of all values from which the outputs are computed. */
function neededFor(
  { outputs }: OnnxGraph,
  nodes: readonly { reads: readonly string[]; outputs: readonly string[] }[],
): Set<string> {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const needed = new Set(outputs.map(({ name }) => name));
  for (const name of needed) for (const read of producers.get(name)?.reads ?? []) needed.add(read);
  // The empty name stands for an optional input or output that a node does not use.
  needed.delete('');
  return needed;
}

function sharedTensors(opset: number): Buffer[] {
  const float = (name: string, value: number) =>
    tensorMessage(name, elementTypes.float, [], Buffer.from(Float32Array.of(value).buffer));
  return [
    float(shared.one, 1),
    float(shared.half, 0.5),
    float(shared.largest, 127),
    float(shared.step, 1 / 127),
    float(shared.least, 1e-30),
    tensorMessage(shared.zeroPoint, elementTypes.uint8, [], Buffer.of(128)),
    ...(opset >= 18
      ? [tensorMessage(shared.axes, elementTypes.int64, [1], Buffer.from(BigInt64Array.of(-1n).buffer))]
      : []),
  ];
}

function modelOf(graph: OnnxGraph, nodes: readonly { bytes: Buffer }[], tensors: readonly Buffer[]): Buffer {
  const opsets = new Map([...graph.opsets, ['com.microsoft', graph.opsets.get('com.microsoft') ?? 1]]);
  const content = Buffer.concat([
    ...nodes.map(({ bytes }) => field(graphFields.node, bytes)),
    ...tensors.map((tensor) => field(graphFields.constant, tensor)),
    // Exports with an old IR version also list constants as inputs, and ONNX Runtime would then not fold them.
    ...graph.inputs
      .filter(({ name }) => !graph.constants.has(name))
      .map(({ bytes }) => field(graphFields.input, bytes)),
    ...graph.outputs.map(({ bytes }) => field(graphFields.output, bytes)),
    ...graph.otherOfGraph,
  ]);
  return Buffer.concat([
    integer(modelFields.irVersion, Math.max(graph.irVersion, 4)),
    ...graph.otherOfModel,
    field(modelFields.graph, content),
    ...[...opsets].map(([domain, version]) =>
      field(modelFields.opset, Buffer.concat([text(1, domain), integer(2, version)])),
    ),
  ]);
}

function writeWhole(path: string, bytes: Uint8Array): void {
  const handle = openSync(path, 'w');
  try {
    writeAll(handle, bytes);
  } finally {
    closeSync(handle);
  }
}

/** Writes all bytes. A single call writes at most 2 GB. */
function writeAll(handle: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at, bytes.length - at);
}

class DataFile {
  readonly #handle: number;
  readonly #location: string;
  #size = 0;

  constructor(path: string) {
    this.#handle = openSync(path, 'w');
    this.#location = basename(path);
  }

  /**
   * Writes the values to the file, those of a small tensor to the graph.
   * @returns the encoded tensor for the graph.
   */
  add(name: string, type: number, dims: readonly number[], values: Uint8Array): Buffer {
    if (values.length < leastExternal) return tensorMessage(name, type, dims, values);
    const gap = -this.#size & (alignment - 1);
    if (gap > 0) writeAll(this.#handle, Buffer.alloc(gap));
    const offset = this.#size + gap;
    writeAll(this.#handle, values);
    this.#size = offset + values.length;
    return externalTensor(name, type, dims, { location: this.#location, offset, length: values.length });
  }

  close(): void {
    closeSync(this.#handle);
  }
}
