import {
  field,
  fieldsIn,
  integer,
  lengthDelimited,
  modelField,
  text,
  varint,
} from '../../../models/encoder/protobuf.ts';

/** Fields of onnx.proto. */
const graphInitializer = 5;
const tensor = { rawData: 9, externalData: 13, dataLocation: 14 } as const;
const external = 1;

/**
 * Moves the weights of a graph to a file of their own, as exporters do with towers above 2 GB.
 * @param location the name that the graph has for that file.
 */
export function putWeightsOutside(model: Buffer, location: string): { graph: Buffer; data: Buffer } {
  const data: Buffer[] = [];
  let offset = 0;
  const withoutData = (initializer: Buffer): Buffer => {
    const parts = [...fieldsIn(initializer)];
    const raw = parts.find(({ number }) => number === tensor.rawData);
    if (raw === undefined || raw.end - raw.start < 256) return initializer;
    const bytes = initializer.subarray(raw.start, raw.end);
    const entry = (key: string, value: string) =>
      field(tensor.externalData, Buffer.concat([text(1, key), text(2, value)]));
    const moved = Buffer.concat([
      initializer.subarray(0, raw.at),
      initializer.subarray(raw.end),
      entry('location', location),
      entry('offset', String(offset)),
      entry('length', String(bytes.length)),
      integer(tensor.dataLocation, external),
    ]);
    data.push(bytes);
    offset += bytes.length;
    return moved;
  };
  const graph = rewrite(model, modelField.graph, (graphBytes) => rewrite(graphBytes, graphInitializer, withoutData));
  return { graph, data: Buffer.concat(data) };
}

/** Replaces the content of every field of this number. */
function rewrite(message: Buffer, number: number, change: (content: Buffer) => Buffer): Buffer {
  const parts = [...fieldsIn(message)].map((part) => {
    if (part.number !== number || part.wireType !== lengthDelimited) return message.subarray(part.at, part.end);
    const content = change(message.subarray(part.start, part.end));
    return Buffer.concat([varint(number * 8 + lengthDelimited), varint(content.length), content]);
  });
  return Buffer.concat(parts);
}
