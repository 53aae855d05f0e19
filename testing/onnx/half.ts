import { attributeTypes, elementTypes, modelProto } from './schema.ts';

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

const { float, float16 } = elementTypes;

/** Converts an ONNX model to fp16 weights and arithmetic. Its inputs and outputs remain fp32. */
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
    attribute: [{ name: 'to', i: type, type: attributeTypes.i }],
  });

  for (const tensor of graph.initializer) halve(tensor);
  // Old IR versions also list initializers (weights) as inputs, whose type is now wrong.
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
