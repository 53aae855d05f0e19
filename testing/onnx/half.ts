import protobuf from 'protobufjs';

/** The part of onnx.proto that files of exporters have; field numbers are those of ONNX. */
const schema = `
  syntax = "proto3";
  message ModelProto {
    int64 ir_version = 1;
    string producer_name = 2;
    string producer_version = 3;
    string domain = 4;
    int64 model_version = 5;
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
    string domain = 7;
  }
  message AttributeProto {
    string name = 1;
    optional float f = 2;
    optional int64 i = 3;
    optional bytes s = 4;
    TensorProto t = 5;
    repeated float floats = 7;
    repeated int64 ints = 8;
    repeated bytes strings = 9;
    int32 type = 20;
  }
  message TensorProto {
    repeated int64 dims = 1;
    int32 data_type = 2;
    repeated float float_data = 4;
    repeated int32 int32_data = 5;
    repeated bytes string_data = 6;
    repeated int64 int64_data = 7;
    string name = 8;
    optional bytes raw_data = 9;
    repeated double double_data = 10;
    repeated uint64 uint64_data = 11;
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

interface TensorProto {
  name: string;
  data_type: number;
  float_data: number[];
  raw_data?: Uint8Array;
}
interface AttributeProto {
  name: string;
  i?: number;
  t?: TensorProto;
  type: number;
}
interface NodeProto {
  input: string[];
  output: string[];
  name: string;
  op_type: string;
  attribute: AttributeProto[];
}
interface ValueInfoProto {
  name: string;
  type: { tensor_type: { elem_type: number } };
}
interface GraphProto {
  node: NodeProto[];
  initializer: TensorProto[];
  input: ValueInfoProto[];
  output: ValueInfoProto[];
}

/** `TensorProto.DataType` */
const float = 1;
const float16 = 10;
/** `AttributeProto.AttributeType` */
const int = 2;

/** The bytes of an ONNX model that has its weights in fp16 and computes in it, between fp32 ends. */
export function toHalf(bytes: Uint8Array): Uint8Array {
  const model = modelProto.decode(bytes) as unknown as { graph: GraphProto };
  const { graph } = model;
  const isInitializer = new Set(graph.initializer.map(({ name }) => name));
  const renamed = new Map<string, string>();
  const cast = (from: string, to: string, type: number): NodeProto => ({
    input: [from],
    output: [to],
    name: `half.${to}`,
    op_type: 'Cast',
    attribute: [{ name: 'to', i: type, type: int }],
  });

  for (const tensor of graph.initializer) halve(tensor);
  // Exports of old IR versions list initializers as inputs, too: these have another type now.
  graph.input = graph.input.filter(({ name }) => !isInitializer.has(name));
  const isFloat = ({ type }: ValueInfoProto) => type.tensor_type.elem_type === float;
  const inputs = graph.input.filter(isFloat).map(({ name }) => name);
  const outputs = graph.output.filter(isFloat).map(({ name }) => name);
  for (const name of [...inputs, ...outputs]) renamed.set(name, `${name}.fp16`);
  for (const node of graph.node) {
    node.input = node.input.map((name) => renamed.get(name) ?? name);
    node.output = node.output.map((name) => renamed.get(name) ?? name);
    for (const attribute of node.attribute) {
      if (node.op_type === 'Cast' && attribute.name === 'to' && Number(attribute.i) === float) attribute.i = float16;
      if (attribute.t) halve(attribute.t);
    }
  }
  graph.node = [
    ...inputs.map((name) => cast(name, `${name}.fp16`, float16)),
    ...graph.node,
    ...outputs.map((name) => cast(`${name}.fp16`, name, float)),
  ];
  return modelProto.encode(model as never).finish();
}

function halve(tensor: TensorProto): void {
  if (tensor.data_type !== float) return;
  const raw = tensor.raw_data;
  const values = raw?.length ? new Float32Array(new Uint8Array(raw).buffer) : Float32Array.from(tensor.float_data);
  tensor.raw_data = new Uint8Array(Float16Array.from(values).buffer);
  tensor.float_data = [];
  tensor.data_type = float16;
}
