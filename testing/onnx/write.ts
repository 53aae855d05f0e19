import { attributeTypes, type ElementType, elementTypes, modelProto } from './schema.ts';

const irVersion = 8;
/** The first ONNX operator set with LayerNormalization. */
const opset = 17;

export type Attribute = { f: number } | { i: number } | { ints: readonly number[] };

/** A tensor in the file, with little-endian values in row-major order. */
export interface Initializer {
  name: string;
  type: ElementType;
  dims: readonly number[];
  values: Float32Array | Int8Array | Int32Array | BigInt64Array;
}

export interface Node {
  op: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Readonly<Record<string, Attribute>>;
}

/** An input or output of a graph. A named dimension is dynamic. */
export interface TensorInfo {
  name: string;
  type: ElementType;
  dims: readonly (number | string)[];
}

export interface Graph {
  name: string;
  nodes: readonly Node[];
  initializers: readonly Initializer[];
  input: TensorInfo;
  output: TensorInfo;
}

export function encodeModel(graph: Graph): Uint8Array {
  const message = modelProto.fromObject({
    ir_version: irVersion,
    producer_name: 'vls',
    opset_import: [{ domain: '', version: opset }],
    graph: {
      name: graph.name,
      node: graph.nodes.map(({ op, inputs, outputs, attributes }) => ({
        input: inputs,
        output: outputs,
        name: outputs[0],
        op_type: op,
        attribute: Object.entries(attributes).map(([name, value]) => ({ name, ...value, type: typeOf(value) })),
      })),
      initializer: graph.initializers.map(({ name, type, dims, values }) => ({
        name,
        dims,
        data_type: elementTypes[type],
        raw_data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
      })),
      input: [tensorInfo(graph.input)],
      output: [tensorInfo(graph.output)],
    },
  });
  return modelProto.encode(message).finish();
}

function typeOf(attribute: Attribute): number {
  if ('f' in attribute) return attributeTypes.f;
  return 'i' in attribute ? attributeTypes.i : attributeTypes.ints;
}

const tensorInfo = ({ name, type, dims }: TensorInfo) => ({
  name,
  type: {
    tensor_type: {
      elem_type: elementTypes[type],
      shape: { dim: dims.map((dim) => (typeof dim === 'number' ? { dim_value: dim } : { dim_param: dim })) },
    },
  },
});
