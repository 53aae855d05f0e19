import { partFor } from './graph-part.ts';
import { readMapped } from './mapped-weights.ts';
import {
  field,
  fieldsIn,
  integer,
  lengthDelimited,
  messageIn,
  modelField,
  numberIn,
  tag,
  text,
  textIn,
} from './protobuf.ts';

/**
 * Makes a vision model accept pixels as bytes instead of floats. Floats are four times as large (602 instead of 150 KB
 * at 224 pixels), and their conversion in JavaScript took 0.35 ms per image.
 *
 * In Protocol Buffers, two concatenated messages equal one merged message. New nodes are therefore appended, and ONNX
 * Runtime sorts them. Changing one byte, a field number, makes the former input an intermediate value. Field numbers
 * are those of onnx.proto.
 */

export interface PixelInput {
  /** The side length of the square image in pixels. */
  size: number;
  /** Mean and standard deviation of each channel, for pixel values in [0, 1]. */
  mean: readonly number[];
  std: readonly number[];
}

/** The name of the new input: uint8 of the shape `[batch, size, size, 3]`. */
export const pixelInputName = 'vls.pixels';

/** Values of `TensorProto.DataType`. */
const elementType = { float: 1, uint8: 2, float16: 10 } as const;

/** A vision model whose input takes bytes. */
export interface PixelGraph {
  bytes: Uint8Array;
  /** The fixed batch size of the graph; undefined when any size is accepted. */
  batch: number | undefined;
}

/**
 * Reads a vision model without its large weights, and makes its input accept bytes.
 * @param outputs possible names of its output, if the file also contains the text model.
 * @throws {Error} as {@link addPixelInput}; the message names the file.
 */
export async function readWithPixelInput(
  path: string,
  options: PixelInput,
  outputs?: readonly string[],
): Promise<PixelGraph & { folder: string }> {
  const { bytes, folder } = await readMapped(path);
  try {
    const graph = outputs === undefined ? bytes : partFor(bytes, outputs);
    const { appended, ...facts } = addPixelInput(graph, options);
    return { bytes: Buffer.concat([graph, appended]), folder, ...facts };
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Makes the input of a vision model accept bytes.
 * @param model an ONNX file, which is changed in place. Its only input has the shape `[batch, 3, size, size]`, of float
 * or float16.
 * @returns the bytes to append to the file.
 * @throws {Error} when the bytes are not an ONNX model, or the model has another input.
 */
export function addPixelInput(
  model: Uint8Array,
  { size, mean, std }: PixelInput,
): Omit<PixelGraph, 'bytes'> & { appended: Buffer } {
  const input = findInput(model);
  if (input.type !== elementType.float && input.type !== elementType.float16) {
    throw new Error(`the input ${input.name} has the element type ${input.type}; float or float16 is expected`);
  }
  model[input.at] = tag(graphField.valueInfo, lengthDelimited);
  const planes = input.type === elementType.float ? input.name : 'vls.planes';
  const factors = mean.map((_, channel) => 1 / (255 * (std[channel] ?? 1)));
  const offsets = mean.map((value, channel) => -value / (std[channel] ?? 1));
  const nodes = [
    node('Transpose', [pixelInputName], 'vls.bytes', attribute('perm', [0, 3, 1, 2])),
    node('Cast', ['vls.bytes'], 'vls.values', attribute('to', elementType.float)),
    node('Mul', ['vls.values', 'vls.factors'], 'vls.scaled'),
    node('Add', ['vls.scaled', 'vls.offsets'], planes),
    ...(planes === input.name ? [] : [node('Cast', [planes], input.name, attribute('to', elementType.float16))]),
  ];
  const graph = Buffer.concat([
    ...nodes.map((bytes) => field(graphField.node, bytes)),
    field(graphField.initializer, perChannel('vls.factors', factors)),
    field(graphField.initializer, perChannel('vls.offsets', offsets)),
    field(graphField.input, valueInfo(pixelInputName, elementType.uint8, [input.batch ?? 'vls.batch', size, size, 3])),
  ]);
  return { appended: field(modelField.graph, graph), batch: input.batch };
}

const graphField = { node: 1, initializer: 5, input: 11, valueInfo: 13 } as const;

interface Input {
  name: string;
  type: number;
  /** The fixed batch size; undefined when any size is accepted. */
  batch: number | undefined;
  at: number;
}

function findInput(model: Uint8Array): Input {
  const initializers = new Set<string>();
  const inputs: Input[] = [];
  for (const graph of fieldsIn(model)) {
    if (graph.number !== modelField.graph || graph.wireType !== lengthDelimited) continue;
    for (const part of fieldsIn(model, graph.start, graph.end)) {
      if (part.wireType !== lengthDelimited) continue;
      // With an old IR version, weights (initializers) are also listed as inputs.
      if (part.number === graphField.initializer) initializers.add(textIn(model, part, 8));
      if (part.number !== graphField.input) continue;
      const tensor = messageIn(model, messageIn(model, part, 2), 1);
      const firstAxis = messageIn(model, messageIn(model, tensor, 2), 1);
      inputs.push({
        name: textIn(model, part, 1),
        type: numberIn(model, tensor, 1),
        batch: numberIn(model, firstAxis, 1) || undefined,
        at: part.at,
      });
    }
  }
  const [input, ...others] = inputs.filter(({ name }) => !initializers.has(name));
  if (input === undefined || others.length > 0) {
    throw new Error(`expected exactly one input, found: ${inputs.map(({ name }) => name).join(', ') || 'none'}`);
  }
  return input;
}

const node = (op: string, inputs: readonly string[], output: string, ...attributes: Buffer[]): Buffer =>
  Buffer.concat([
    ...inputs.map((name) => text(1, name)),
    text(2, output),
    text(3, output),
    text(4, op),
    ...attributes.map((bytes) => field(5, bytes)),
  ]);

/** Returns an `AttributeProto` of type INT or INTS. */
const attribute = (name: string, value: number | readonly number[]): Buffer =>
  Buffer.concat([
    text(1, name),
    ...(typeof value === 'number' ? [integer(3, value)] : value.map((one) => integer(8, one))),
    integer(20, typeof value === 'number' ? 2 : 7),
  ]);

/** Returns a `TensorProto` with one float for each channel, of the shape `[channels, 1, 1]`. */
function perChannel(name: string, values: readonly number[]): Buffer {
  const raw = Buffer.alloc(4 * values.length);
  for (const [at, value] of values.entries()) raw.writeFloatLE(value, 4 * at);
  const shape = [values.length, 1, 1].map((size) => integer(1, size));
  return Buffer.concat([...shape, integer(2, elementType.float), text(8, name), field(9, raw)]);
}

/** Returns a `ValueInfoProto`. A dimension with a name has no fixed size. */
function valueInfo(name: string, type: number, dimensions: readonly (number | string)[]): Buffer {
  const shape = dimensions.map((size) => field(1, typeof size === 'number' ? integer(1, size) : text(2, size)));
  const tensor = Buffer.concat([integer(1, type), field(2, Buffer.concat(shape))]);
  return Buffer.concat([text(1, name), field(2, field(1, tensor))]);
}
