import { field, integer, text } from '../encoder/protobuf.ts';
import { elementTypes, nodeFields, tensorFields } from './graph.ts';

export type Attribute = { i: number } | { ints: readonly number[] };

export interface NewNode {
  op: string;
  domain?: string;
  inputs: readonly string[];
  output: string;
  attributes?: Readonly<Record<string, Attribute>>;
}

export const nodeMessage = ({ op, domain = '', inputs, output, attributes = {} }: NewNode): Buffer =>
  Buffer.concat([
    ...inputs.map((name) => text(nodeFields.input, name)),
    text(nodeFields.output, output),
    text(nodeFields.name, output),
    text(nodeFields.op, op),
    ...Object.entries(attributes).map(([name, value]) => field(nodeFields.attribute, attributeMessage(name, value))),
    ...(domain === '' ? [] : [text(nodeFields.domain, domain)]),
  ]);

/** Encodes an `AttributeProto` of the type INT or INTS. */
const attributeMessage = (name: string, value: Attribute): Buffer =>
  Buffer.concat([
    text(1, name),
    ...('i' in value ? [signed(3, value.i)] : value.ints.map((each) => signed(8, each))),
    integer(20, 'i' in value ? 2 : 7),
  ]);

function signed(number: number, value: number): Buffer {
  if (value >= 0) return integer(number, value);
  const bytes: number[] = [];
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    if (rest < 128n) return Buffer.concat([integer(number, 0).subarray(0, -1), Buffer.from([...bytes, Number(rest)])]);
    bytes.push(Number(rest % 128n) + 128);
  }
}

const tensorHead = (name: string, type: number, dims: readonly number[]): Buffer =>
  Buffer.concat([
    ...dims.map((size) => integer(tensorFields.dims, size)),
    integer(tensorFields.type, type),
    text(tensorFields.name, name),
  ]);

/** Encodes a `TensorProto` that contains its values. */
export const tensorMessage = (name: string, type: number, dims: readonly number[], raw: Uint8Array): Buffer =>
  Buffer.concat([tensorHead(name, type, dims), field(tensorFields.raw, raw)]);

/** Encodes a `TensorProto` whose values are in another file. */
export const externalTensor = (
  name: string,
  type: number,
  dims: readonly number[],
  place: { location: string; offset: number; length: number },
): Buffer =>
  Buffer.concat([
    tensorHead(name, type, dims),
    ...Object.entries(place).map(([key, value]) =>
      field(tensorFields.external, Buffer.concat([text(1, key), text(2, String(value))])),
    ),
    integer(tensorFields.location, 1),
  ]);

/** Encodes the `ValueInfoProto` of a float tensor without a stated shape. */
export const floatInfo = (name: string): Buffer =>
  Buffer.concat([text(1, name), field(2, field(1, integer(1, elementTypes.float)))]);
