import { type NewNode, nodeMessage } from './messages.ts';

/**
 * Builds the nodes that multiply activations by an int8 matrix. Each row of activations has its own centre and size, so
 * the other inputs of a run cannot change a score. (ONNX's DynamicQuantizeLinear uses one scale for the whole run.)
 *
 * The centre halves the rounding error of rows with mostly positive values (such as those after GELU) or one large
 * value. It costs one more pass over the activations and one over the results.
 */

/** The names of the constants that all products of a graph use. */
export const shared = {
  one: 'vls.int8.one',
  half: 'vls.int8.half',
  zeroPoint: 'vls.int8.zero_point',
  largest: 'vls.int8.largest',
  step: 'vls.int8.step',
  least: 'vls.int8.least',
  axes: 'vls.int8.axes',
} as const;

/**
 * Rounded activations, as names of graph values: `activation = centre + size * (value - 128) / 127`, with a centre and
 * a size for each row.
 */
export interface QuantizedRows {
  /** The type is uint8. */
  values: string;
  centres: string;
  sizes: string;
}

export interface MatrixNames {
  /** The type is int8. */
  values: string;
  /** One scale for each column. */
  scales: string;
  /** The sum of each column, as a matrix with one row. */
  sums: string;
}

const microsoft = 'com.microsoft';

/** Returns the nodes that round the rows of a value to 8 bits. Products with the same activations share them. */
export function quantizeRows(value: string, opset: number): { nodes: Buffer[]; rows: QuantizedRows } {
  const name = (part: string) => `${value}.int8.${part}`;
  const rows = { values: name('values'), centres: name('centres'), sizes: name('sizes') };
  /**
   * Reduces over the last axis. The axes are an input since version 18 of the operator set, and an attribute before.
   */
  const reduce = (op: string, output: string): NewNode =>
    opset >= 18
      ? { op, inputs: [value, shared.axes], output, attributes: { keepdims: { i: 1 } } }
      : { op, inputs: [value], output, attributes: { axes: { ints: [-1] }, keepdims: { i: 1 } } };
  const nodes: NewNode[] = [
    reduce('ReduceMax', name('highest')),
    reduce('ReduceMin', name('lowest')),
    { op: 'Add', inputs: [name('highest'), name('lowest')], output: name('sum') },
    { op: 'Mul', inputs: [name('sum'), shared.half], output: rows.centres },
    { op: 'Sub', inputs: [name('highest'), rows.centres], output: name('reach') },
    // A row of equal values has the size 0, by which the next node would divide.
    { op: 'Max', inputs: [name('reach'), shared.least], output: rows.sizes },
    { op: 'Div', inputs: [shared.largest, rows.sizes], output: name('factors') },
    { op: 'Sub', inputs: [value, rows.centres], output: name('centred') },
    { op: 'Mul', inputs: [name('centred'), name('factors')], output: name('scaled') },
    { op: 'QuantizeLinear', inputs: [name('scaled'), shared.one, shared.zeroPoint], output: rows.values },
  ];
  return { nodes: nodes.map(nodeMessage), rows };
}

/** @param bias a value to add to each row of the product. */
export function multiplyRows(
  { values, centres, sizes }: QuantizedRows,
  matrix: MatrixNames,
  output: string,
  bias: string | undefined,
): Buffer[] {
  const name = (part: string) => `${output}.int8.${part}`;
  const sum = bias === undefined ? output : name('sum');
  const nodes: NewNode[] = [
    {
      op: 'MatMulIntegerToFloat',
      domain: microsoft,
      inputs: [values, matrix.values, shared.step, matrix.scales, shared.zeroPoint],
      output: name('product'),
    },
    { op: 'Mul', inputs: [name('product'), sizes], output: name('scaled') },
    { op: 'Mul', inputs: [centres, matrix.sums], output: name('offsets') },
    { op: 'Add', inputs: [name('scaled'), name('offsets')], output: sum },
    ...(bias === undefined ? [] : [{ op: 'Add', inputs: [sum, bias], output }]),
  ];
  return nodes.map(nodeMessage);
}
