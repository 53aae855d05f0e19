import type { TextRecipe } from '../model.ts';
import type { InferenceSession } from '../onnx-runtime.ts';

/**
 * A graph that does not match its model. Kind `output`: its output is not an embedding. Kind `length`: it reads texts
 * of another length.
 */
export class GraphFault extends Error {
  override name = 'GraphFault';
  readonly side: 'image' | 'text';
  readonly kind: 'output' | 'length';
  readonly outputs: readonly string[];

  constructor(message: string, about: Pick<GraphFault, 'side' | 'kind' | 'outputs'>) {
    super(message);
    this.side = about.side;
    this.kind = about.kind;
    this.outputs = about.outputs;
  }
}

export const idInputOf = ({ inputNames }: InferenceSession, path: string): string =>
  inputNames.find((name) => /input_ids|text|input/i.test(name)) ?? only(inputNames, path);

function only(names: readonly string[], path: string): string {
  const [name, ...others] = names;
  if (name === undefined || others.length > 0)
    throw new Error(`${path} has the inputs ${names.join(', ')}; one was expected`);
  return name;
}

/** Returns the type of token ids: int64, in some exports int32. */
export function inputType(session: InferenceSession, name: string): 'int32' | 'int64' {
  const metadata = session.inputMetadata.find((input) => input.name === name);
  return metadata?.isTensor && metadata.type === 'int32' ? 'int32' : 'int64';
}

/** Returns the fixed size of an input axis; undefined when any size is accepted. */
export function fixedAxis(session: InferenceSession, name: string, axis: number): number | undefined {
  const metadata = session.inputMetadata.find((input) => input.name === name);
  const size = metadata?.isTensor ? metadata.shape[axis] : undefined;
  return typeof size === 'number' ? size : undefined;
}

/** The vision or the text model, with its expected output. */
export interface Tower {
  side: 'image' | 'text';
  path: string;
  /** Possible names of the output with the embedding, the preferred one first. */
  outputs: readonly string[];
  dimensions: number;
}

/**
 * Returns the name of the embedding output: the first of `outputs` that exists, or the only output.
 * @throws {GraphFault} when the graph has no such output, or its shape is not that of embeddings.
 */
export function outputOf(session: InferenceSession, { side, path, outputs, dimensions }: Tower): string {
  const { outputNames: all } = session;
  const fault = (message: string) => new GraphFault(`${path} ${message}`, { side, kind: 'output', outputs: all });
  const found = outputs.find((name) => all.includes(name)) ?? (all.length === 1 ? all[0] : '');
  if (!found) throw fault(`has the outputs ${all.join(', ')}; ${outputs.join(' or ')} was expected`);
  const metadata = session.outputMetadata.find(({ name }) => name === found);
  const shape = metadata?.isTensor ? metadata.shape : [];
  // A graph may state no shape, or an axis name instead of a size. Each run is therefore checked too.
  const isOther = shape.length > 0 && (shape.length !== 2 || (typeof shape[1] === 'number' && shape[1] !== dimensions));
  if (isOther) throw fault(wrongShape(found, shape, dimensions));
  return found;
}

export const wrongShape = (name: string, shape: readonly (number | string)[], dimensions: number): string =>
  `has the output ${name} of the shape [${shape.join(', ')}]; [batch, ${dimensions}] was expected`;

/**
 * Checks a graph with a fixed text length. Longer texts would lose their end token. If the text model reads padding,
 * the length must be that of its training.
 * @throws {GraphFault} naming both lengths.
 */
export function requireTextLength(
  session: InferenceSession,
  path: string,
  fixed: number | undefined,
  { maxTokens, pad }: TextRecipe,
): void {
  if (fixed === undefined) return;
  const fault = (message: string) =>
    new GraphFault(
      `${path} reads texts of ${fixed} tokens, and ${message}: correct the files or \`contextLength\` of the entry`,
      { side: 'text', kind: 'length', outputs: session.outputNames },
    );
  if (maxTokens > fixed) throw fault(`the configuration of the model states up to ${maxTokens} tokens`);
  if (pad !== 'end' && pad.to > 0 && pad.to !== fixed) throw fault(`texts of the model are padded to ${pad.to}`);
}
