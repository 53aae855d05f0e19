import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from '../../models/onnx-runtime.ts';
import { elementTypes, modelProto } from '../../testing/onnx/schema.ts';
import { encodeModel, type Initializer, type Node } from '../../testing/onnx/write.ts';

/** Repeatable values in [-1, 1]. */
export function values(count: number, seed = 1): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return (2 * state) / 2_147_483_647 - 1;
  });
}

export const matrix = (name: string, dims: readonly [number, number], seed?: number): Initializer => ({
  name,
  type: 'float',
  dims,
  values: values(dims[0] * dims[1], seed),
});

export const node = (op: string, inputs: string[], output: string, attributes: Node['attributes'] = {}): Node => ({
  op,
  inputs,
  outputs: [output],
  attributes,
});

/** A product in fp32 after those of the graph, since the last one before an output stays fp32. */
export const lastProduct = (input: string, size: number): { node: Node; initializer: Initializer } => ({
  node: node('MatMul', [input, 'identity'], 'output'),
  initializer: {
    name: 'identity',
    type: 'float',
    dims: [size, size],
    values: Float32Array.from({ length: size * size }, (_, at) => (at % (size + 1) === 0 ? 1 : 0)),
  },
});

/** An ONNX file with the float input `x` of `[rows, inputs]`, whose nodes end in the float value `y` of `[rows, outputs]`. */
export function graphOf(inputs: number, outputs: number, nodes: Node[], initializers: Initializer[]): Uint8Array {
  const last = lastProduct('y', outputs);
  return encodeModel({
    name: 'test',
    nodes: [...nodes, last.node],
    initializers: [...initializers, last.initializer],
    input: { name: 'x', type: 'float', dims: ['rows', inputs] },
    output: { name: 'output', type: 'float', dims: ['rows', outputs] },
  });
}

interface Written {
  nodes: { op: string; inputs: string[]; outputs: string[] }[];
  tensors: { name: string; type: number; dims: number[] }[];
  inputs: string[];
}

/** Reads the structure of an ONNX file. */
export function contentOf(path: string): Written {
  const { graph } = modelProto.toObject(modelProto.decode(readFileSync(path)), { longs: Number, arrays: true }) as {
    graph: {
      node: { op_type: string; input: string[]; output: string[] }[];
      initializer: { name: string; data_type: number; dims: number[] }[];
      input: { name: string }[];
    };
  };
  return {
    nodes: graph.node.map(({ op_type: op, input, output }) => ({ op, inputs: input, outputs: output })),
    tensors: graph.initializer.map(({ name, data_type: type, dims }) => ({ name, type, dims })),
    inputs: graph.input.map(({ name }) => name),
  };
}

export const int8Matrices = (path: string) => contentOf(path).tensors.filter(({ type }) => type === elementTypes.int8);

/** Runs a graph on rows. @returns the rows of its output. */
export async function run(model: string, x: Float32Array, inputs: number): Promise<Float32Array> {
  const session = await InferenceSession.create(model, { executionProviders: ['cpu'], intraOpNumThreads: 1 });
  const result = await session.run({ x: new Tensor('float32', x, [x.length / inputs, inputs]) });
  return result['output']?.data as Float32Array;
}

/** The largest difference of two lists, as a share of the largest value of the first. */
export const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, at) => Math.abs(value - (b[at] ?? Number.NaN)))) /
  Math.max(...Array.from(a, Math.abs));
