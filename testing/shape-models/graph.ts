import { type ElementType, elementTypes } from '../onnx/schema.ts';
import type { Attribute, Graph, Initializer, Node } from '../onnx/write.ts';
import { randomFor } from './random.ts';

/** The minimum number of elements of a weight that is stored as two factors. */
const denseBelow = 20_000;
/** The rank of weights whose output must depend on more than a single number of their input. */
const fullerRank = 14;

export type Precision = 'fp32' | 'fp16' | 'int8';

/** Builds an ONNX graph. Tensors are referenced by name. */
export interface GraphBuilder {
  /** Casts a float tensor to fp16 in an fp16 graph. int8 graphs add up their products in fp32. */
  cast(tensor: string): string;
  node(op: string, inputs: readonly string[], attributes?: Record<string, Attribute>): string;
  split(op: string, inputs: readonly string[], outputs: number, attributes?: Record<string, Attribute>): string[];
  integers(values: readonly number[]): string;
  floats(dims: readonly number[], values: Float32Array): string;
  /** Adds a weight of random values with this standard deviation. ONNX Runtime makes it a dense constant. */
  weight(name: string, dims: readonly number[], deviation: number): string;
  /**
   * Adds nodes that compute `x @ weight + bias`. For int8 they have the form of ONNX Runtime's dynamic quantisation:
   * `x` is quantised at run time, and the weight has one scale.
   * @param fuller true for a weight of rank 14 instead of 1.
   */
  linear(
    name: string,
    x: string,
    rows: number,
    columns: number,
    options?: { bias?: boolean; fuller?: boolean },
  ): string;
  layerNorm(x: string, width: number): string;
  /** Returns the graph with this tensor as its output. */
  finish(result: string, ends: Pick<Graph, 'name' | 'input' | 'output'>): Graph;
}

/**
 * Creates a builder of graphs. A large weight is stored as two factors, `u [rows, 1]` and `v [1, columns]`, which ONNX
 * Runtime multiplies to a dense constant. One or two megabytes thus give a model of the real size and speed.
 */
export function createGraph(precision: Precision): GraphBuilder {
  const nodes: Node[] = [];
  const initializers: Initializer[] = [];
  const shared = new Map<string, string>();
  let count = 0;

  function split(op: string, inputs: readonly string[], outputs: number, attributes: Record<string, Attribute> = {}) {
    const names = Array.from({ length: outputs }, () => `${op}_${count++}`);
    nodes.push({ op, inputs, outputs: names, attributes });
    return names;
  }
  const node: GraphBuilder['node'] = (op, inputs, attributes) => split(op, inputs, 1, attributes)[0] ?? '';

  function initializer(type: ElementType, dims: readonly number[], values: Initializer['values']): string {
    const name = `${type}_${count++}`;
    initializers.push({ name, type, dims, values });
    return name;
  }
  const cast: GraphBuilder['cast'] = (tensor) =>
    precision === 'fp16' ? node('Cast', [tensor], { to: { i: elementTypes.float16 } }) : tensor;
  const floats: GraphBuilder['floats'] = (dims, values) => cast(initializer('float', dims, values));
  const scalar = (value: number) => floats([], Float32Array.of(value));

  /** Adds a small constant at its first use, shared by all blocks. */
  function once(key: string, make: () => string): string {
    const known = shared.get(key);
    if (known !== undefined) return known;
    const made = make();
    shared.set(key, made);
    return made;
  }

  const weight: GraphBuilder['weight'] = (name, dims, deviation) => {
    const random = randomFor(name);
    const elements = dims.reduce((product, dim) => product * dim, 1);
    if (elements < denseBelow) return floats(dims, random.normals(elements, deviation));
    const [rows = 1] = dims;
    const columns = elements / rows;
    const u = initializer('float', [rows, 1], random.normals(rows, 1));
    const v = initializer('float', [1, columns], random.normals(columns, deviation));
    // ONNX Runtime computes constants with its CPU kernels, which lack fp16.
    const product = cast(node('Mul', [u, v]));
    return dims.length === 2 ? product : node('Reshape', [product, integers(dims)]);
  };

  const integers: GraphBuilder['integers'] = (values) =>
    once(`integers ${values}`, () => initializer('int64', [values.length], BigInt64Array.from(values, BigInt)));

  /**
   * Adds a matrix `[rows, columns]` with the standard deviation `rows ** -0.5`, which gives a product about the
   * magnitude of its input.
   */
  function matrix(name: string, rows: number, columns: number, fuller: boolean): string {
    const deviation = rows ** -0.5;
    if (!fuller) return weight(name, [rows, columns], deviation);
    const random = randomFor(name);
    const u = initializer('float', [rows, fullerRank], random.normals(rows * fullerRank, 1));
    const ofV = random.normals(fullerRank * columns, deviation * fullerRank ** -0.5);
    const v = initializer('float', [fullerRank, columns], ofV);
    return cast(node('MatMul', [u, v]));
  }

  /**
   * Returns an int8 matrix and its scale. The matrix is a product of integer factors, with values within [-126, 126].
   */
  function quantisedMatrix(name: string, rows: number, columns: number, fuller: boolean) {
    const random = randomFor(name);
    const rank = fuller ? fullerRank : 1;
    const most = fuller ? 3 : 11;
    const u = initializer('int32', [rows, rank], random.integers(rows * rank, most));
    const v = initializer('int32', [rank, columns], random.integers(rank * columns, most));
    const product = node(fuller ? 'MatMul' : 'Mul', [u, v]);
    // A uniformly distributed integer from -most to most has the variance most * (most + 1) / 3.
    const scale = rows ** -0.5 / (((most * (most + 1)) / 3) * rank ** 0.5);
    return { values: node('Cast', [product], { to: { i: elementTypes.int8 } }), scale: scalar(scale) };
  }

  function product(name: string, x: string, rows: number, columns: number, fuller: boolean): string {
    if (precision !== 'int8') return node('MatMul', [x, matrix(name, rows, columns, fuller)]);
    const { values, scale } = quantisedMatrix(name, rows, columns, fuller);
    const [quantised = '', xScale = '', xZero = ''] = split('DynamicQuantizeLinear', [x], 3);
    const zero = once('int8 zero', () => initializer('int8', [], Int8Array.of(0)));
    const sum = node('MatMulInteger', [quantised, values, xZero, zero]);
    return node('Mul', [node('Cast', [sum], { to: { i: elementTypes.float } }), node('Mul', [xScale, scale])]);
  }

  return {
    cast,
    node,
    split,
    integers,
    floats,
    weight,
    linear(name, x, rows, columns, { bias = true, fuller = false } = {}) {
      const result = product(name, x, rows, columns, fuller);
      return bias ? node('Add', [result, weight(`${name}.bias`, [columns], 0.02)]) : result;
    },
    layerNorm(x, width) {
      const scale = once(`ones ${width}`, () => floats([width], new Float32Array(width).fill(1)));
      const bias = once(`zeros ${width}`, () => floats([width], new Float32Array(width)));
      return node('LayerNormalization', [x, scale, bias], { axis: { i: -1 }, epsilon: { f: 1e-5 } });
    },
    finish(result, ends) {
      // The output is fp32 in every precision.
      const attributes = { to: { i: elementTypes.float } };
      nodes.push({ op: 'Cast', inputs: [result], outputs: [ends.output.name], attributes });
      return { ...ends, nodes, initializers };
    },
  };
}
