import { open } from 'node:fs/promises';
import { type Field, FieldReader } from '../registry/field-reader.ts';

/** Field numbers, as in onnx.proto. */
const inModel = { graph: 7 } as const;
const inGraph = { node: 1, initializer: 5, input: 11, output: 12, valueInfo: 13 } as const;
const inNode = { input: 1, operation: 4, attribute: 5 } as const;
const inAttribute = { name: 1, integer: 3, tensor: 5, graph: 6, graphs: 11 } as const;
const inTensor = { type: 2, name: 8 } as const;
const inValueInfo = { type: 2 } as const;
const inType = { tensor: 1 } as const;
const inTensorType = { element: 1 } as const;

/** `TensorProto.DataType` of float16. */
const float16 = 10;

/**
 * Returns true when a graph computes with float16 tensors, even if its inputs and outputs are float32. Weights that are
 * only converted to float32 do not count: ONNX Runtime converts them once, at load.
 * @throws {Error} when the file is not an ONNX model.
 */
export async function computesInHalf(path: string): Promise<boolean> {
  await using handle = await open(path);
  const reader = new FieldReader(handle, path);

  async function some({ start, end }: Pick<Field, 'start' | 'end'>, is: (field: Field) => boolean | Promise<boolean>) {
    for await (const field of reader.fields(start, end)) if (await is(field)) return true;
    return false;
  }
  /** Returns true when a path of field numbers in nested messages leads to the value `float16`. */
  const leadsToHalf = (span: Field, [number, ...rest]: readonly number[]): Promise<boolean> =>
    some(span, (field) => {
      if (field.number !== number) return false;
      return rest.length === 0 ? field.value === float16 : leadsToHalf(field, rest);
    });
  const isHalfTensor = (tensor: Field) => leadsToHalf(tensor, [inTensor.type]);
  const isHalfValue = (info: Field) => leadsToHalf(info, [inValueInfo.type, inType.tensor, inTensorType.element]);

  async function isHalfAttribute(attribute: Field): Promise<boolean> {
    let name = '';
    return await some(attribute, async (field) => {
      switch (field.number) {
        case inAttribute.name:
          name = await reader.text(field.start, field.end);
          return false;
        case inAttribute.integer:
          // `to` is the target type of a Cast.
          return name === 'to' && field.value === float16;
        case inAttribute.tensor:
          return await isHalfTensor(field);
        case inAttribute.graph:
        case inAttribute.graphs:
          return await isHalfGraph(field);
        default:
          return false;
      }
    });
  }
  const halfWeights = new Set<string>();

  async function isHalfNode(node: Field): Promise<boolean> {
    const inputs: string[] = [];
    let operation = '';
    const isHalf = await some(node, async (field) => {
      switch (field.number) {
        case inNode.input:
          if (halfWeights.size > 0) inputs.push(await reader.text(field.start, field.end));
          return false;
        case inNode.operation:
          operation = await reader.text(field.start, field.end);
          return false;
        case inNode.attribute:
          return await isHalfAttribute(field);
        default:
          return false;
      }
    });
    return isHalf || (operation !== 'Cast' && inputs.some((input) => halfWeights.has(input)));
  }
  async function addWeight(tensor: Field): Promise<void> {
    if (!(await isHalfTensor(tensor))) return;
    for await (const { number, start, end } of reader.fields(tensor.start, tensor.end))
      if (number === inTensor.name) halfWeights.add(await reader.text(start, end));
  }
  /** The file has the weights after the operations, but they are read first. */
  async function isHalfGraph(graph: Field): Promise<boolean> {
    for await (const field of reader.fields(graph.start, graph.end))
      if (field.number === inGraph.initializer) await addWeight(field);
    return await some(graph, async (field) => {
      switch (field.number) {
        case inGraph.node:
          return await isHalfNode(field);
        case inGraph.input:
        case inGraph.output:
        case inGraph.valueInfo:
          return await isHalfValue(field);
        default:
          return false;
      }
    });
  }

  const model = { start: 0, end: (await handle.stat()).size };
  return await some(model, (field) => field.number === inModel.graph && isHalfGraph(field));
}
