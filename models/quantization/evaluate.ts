import { field, integer, text } from '../encoder/protobuf.ts';
import { InferenceSession } from '../onnx-runtime.ts';
import { type Constant, type GraphNode, graphFields, modelFields, type OnnxGraph, type WeightFiles } from './graph.ts';
import { floatInfo, tensorMessage } from './messages.ts';

export interface Expression {
  nodes: GraphNode[];
  constants: Constant[];
}

/** Returns the expression that computes a value; undefined when the value depends on an input of the graph. */
export function expressionOf(
  name: string,
  { constants }: OnnxGraph,
  producers: ReadonlyMap<string, GraphNode>,
): Expression | undefined {
  const nodes = new Set<GraphNode>();
  const used = new Set<Constant>();
  const seen = new Set([name]);
  // A loop over a set also visits the values that are added during the loop.
  for (const value of seen) {
    if (value === '') continue;
    const constant = constants.get(value);
    const node = producers.get(value);
    if (constant !== undefined) used.add(constant);
    else if (node === undefined) return undefined;
    else {
      nodes.add(node);
      for (const read of node.reads) seen.add(read);
    }
  }
  return { nodes: [...nodes], constants: [...used] };
}

/**
 * Computes a float matrix that an export stores transposed or in fewer bits and restores with graph nodes.
 * @returns undefined when the value is not a float matrix.
 */
export async function evaluate(
  name: string,
  { nodes, constants }: Expression,
  { irVersion, opsets }: OnnxGraph,
  weights: WeightFiles,
  messageOf: (constant: Constant) => Buffer,
): Promise<{ dims: [number, number]; values: Float32Array } | undefined> {
  const graph = Buffer.concat([
    ...nodes.map(({ bytes }) => field(graphFields.node, bytes)),
    text(2, name),
    ...constants.map((constant) => {
      const { name: own, type, dims, stored } = constant;
      const message = stored === undefined ? messageOf(constant) : tensorMessage(own, type, dims, weights.read(stored));
      return field(graphFields.constant, message);
    }),
    field(graphFields.output, floatInfo(name)),
  ]);
  const model = Buffer.concat([
    integer(modelFields.irVersion, Math.max(irVersion, 4)),
    ...[...opsets].map(([domain, version]) =>
      field(modelFields.opset, Buffer.concat([text(1, domain), integer(2, version)])),
    ),
    field(modelFields.graph, graph),
  ]);
  let session: InferenceSession;
  try {
    session = await InferenceSession.create(model, { executionProviders: ['cpu'], logSeverityLevel: 4 });
  } catch {
    // The temporary model declares the value as float, which it is not.
    return undefined;
  }
  try {
    const tensor = (await session.run({}))[name];
    const [first, second, ...more] = tensor?.dims ?? [];
    if (!(tensor?.data instanceof Float32Array) || first === undefined || second === undefined || more.length > 0) {
      return undefined;
    }
    return { dims: [first, second], values: tensor.data };
  } finally {
    await session.release();
  }
}
