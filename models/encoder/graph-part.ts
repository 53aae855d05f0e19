import { field, fieldsIn, lengthDelimited, modelField, type Span, textIn } from './protobuf.ts';

const graphField = { node: 1, initializer: 5, input: 11, output: 12 } as const;
const nodeField = { input: 1, output: 2, attribute: 5 } as const;
const attributeField = { graph: 6, graphs: 11 } as const;

interface Node extends Span {
  inputs: string[];
}

/**
 * Extracts the ONNX nodes that compute one output, from a file with the vision and the text model. The whole graph
 * would compute both in each run, and need an image even for a text.
 * @param outputs possible names of the output, the preferred one first.
 * @throws {Error} when the graph has none of these outputs, or the bytes are not an ONNX model.
 */
export function partFor(model: Uint8Array, outputs: readonly string[]): Buffer {
  const parts = [...fieldsIn(model)];
  const graph = parts.find(({ number, wireType }) => number === modelField.graph && wireType === lengthDelimited);
  if (graph === undefined) throw new Error('the bytes are not an ONNX model');
  const fields = [...fieldsIn(model, graph.start, graph.end)];
  const names = fields.filter(({ number }) => number === graphField.output).map((part) => textIn(model, part, 1));
  const output = outputs.find((name) => names.includes(name));
  if (output === undefined)
    throw new Error(`the outputs are ${names.join(', ')}; ${outputs.join(' or ')} was expected`);

  const producers = new Map<string, Node>();
  for (const part of fields.filter(({ number }) => number === graphField.node)) {
    const node = { ...part, inputs: inputsOf(model, part) };
    for (const name of textsIn(model, part, nodeField.output)) producers.set(name, node);
  }
  const needed = new Set([output]);
  // The loop also visits names that it adds.
  for (const name of needed) for (const input of producers.get(name)?.inputs ?? []) needed.add(input);
  const kept = new Set([...needed].map((name) => producers.get(name)?.start));
  const isKept = ({ number, start, end }: (typeof fields)[number]): boolean => {
    if (number === graphField.node) return kept.has(start);
    if (number === graphField.initializer) return needed.has(textIn(model, { start, end }, 8));
    if (number === graphField.input) return needed.has(textIn(model, { start, end }, 1));
    return number !== graphField.output || textIn(model, { start, end }, 1) === output;
  };
  const keptFields = fields.filter(isKept).map(({ at, end }) => model.subarray(at, end));
  return Buffer.concat([
    ...parts.filter((part) => part !== graph).map(({ at, end }) => model.subarray(at, end)),
    field(modelField.graph, Buffer.concat(keptFields)),
  ]);
}

/** Returns the names of the values that a node and its subgraphs (branches and loop bodies) read. */
function inputsOf(model: Uint8Array, node: Span): string[] {
  const names: string[] = [];
  for (const part of fieldsIn(model, node.start, node.end)) {
    if (part.number === nodeField.input) names.push(asText(model, part));
    if (part.number !== nodeField.attribute) continue;
    for (const attribute of fieldsIn(model, part.start, part.end)) {
      if (attribute.wireType !== lengthDelimited) continue;
      if (attribute.number !== attributeField.graph && attribute.number !== attributeField.graphs) continue;
      for (const inner of fieldsIn(model, attribute.start, attribute.end)) {
        if (inner.number === graphField.node) names.push(...inputsOf(model, inner));
        if (inner.number === graphField.output) names.push(textIn(model, inner, 1));
      }
    }
  }
  return names;
}

const textsIn = (model: Uint8Array, span: Span, number: number): string[] =>
  [...fieldsIn(model, span.start, span.end)]
    .filter((part) => part.number === number)
    .map((part) => asText(model, part));

const asText = (model: Uint8Array, { start, end }: Span): string => Buffer.from(model.subarray(start, end)).toString();
