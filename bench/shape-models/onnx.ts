import protobuf from 'protobufjs';

/** The part of onnx.proto that the shape models need; field numbers are those of ONNX, IR version 8. */
const schema = `
  syntax = "proto3";
  message ModelProto {
    int64 ir_version = 1;
    string producer_name = 2;
    GraphProto graph = 7;
    repeated OperatorSetIdProto opset_import = 8;
  }
  message OperatorSetIdProto { string domain = 1; int64 version = 2; }
  message GraphProto {
    repeated NodeProto node = 1;
    string name = 2;
    repeated TensorProto initializer = 5;
    repeated ValueInfoProto input = 11;
    repeated ValueInfoProto output = 12;
  }
  message NodeProto {
    repeated string input = 1;
    repeated string output = 2;
    string name = 3;
    string op_type = 4;
    repeated AttributeProto attribute = 5;
  }
  message AttributeProto {
    string name = 1;
    float f = 2;
    int64 i = 3;
    repeated int64 ints = 8;
    int32 type = 20;
  }
  message TensorProto {
    repeated int64 dims = 1;
    int32 data_type = 2;
    string name = 8;
    bytes raw_data = 9;
  }
  message ValueInfoProto { string name = 1; TypeProto type = 2; }
  message TypeProto {
    message Tensor { int32 elem_type = 1; TensorShapeProto shape = 2; }
    oneof value { Tensor tensor_type = 1; }
  }
  message TensorShapeProto {
    message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
    repeated Dimension dim = 1;
  }
`;
const modelProto = protobuf.parse(schema, { keepCase: true }).root.lookupType('ModelProto');

const irVersion = 8;
/** The first with LayerNormalization. */
const opset = 17;

/** `TensorProto.DataType`. */
export const elementTypes = { float: 1, int8: 3, int32: 6, int64: 7, float16: 10 } as const;
export type ElementType = keyof typeof elementTypes;

/** `AttributeProto.AttributeType`. */
const attributeTypes = { f: 1, i: 2, ints: 7 } as const;
export type Attribute = { f: number } | { i: number } | { ints: readonly number[] };

/** A tensor that stands in the file; its values little-endian, in row-major order. */
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

/** An input or output; a dimension that is a name is dynamic. */
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

/** The bytes of an ONNX file. */
export function encodeModel(graph: Graph): Uint8Array {
  const message = modelProto.fromObject({
    ir_version: irVersion,
    producer_name: 'vls-bench',
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
