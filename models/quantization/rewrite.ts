import { type NewNode, nodeMessage } from './messages.ts';

/**
 * The nodes of a product of activations and an int8 matrix. Each row of the activations has a centre and a size of its
 * own, from its smallest and largest value. So a row depends on nothing but itself, and the other inputs of a run never
 * change a score. With one scale for the whole run, as DynamicQuantizeLinear has it, they do.
 *
 * A centre halves the error of values that are mostly positive, as after GELU, and of rows with one large value. It costs
 * a pass over the activations and one over the results.
 */

/** Names of the constants that all products share. */
export const shared = {
  one: 'vls.int8.one',
  half: 'vls.int8.half',
  zeroPoint: 'vls.int8.zero_point',
  largest: 'vls.int8.largest',
  step: 'vls.int8.step',
  least: 'vls.int8.least',
  axes: 'vls.int8.axes',
} as const;

/** Activations as `centre + size * (values - 128) / 127`, with a centre and a size for each row. */
export interface QuantizedRows {
  /** uint8 */
  values: string;
  centres: string;
  sizes: string;
}

/** Names of a quantized matrix. */
export interface MatrixNames {
  /** int8 */
  values: string;
  /** One for each column. */
  scales: string;
  /** Sum of each column, in one row. */
  sums: string;
}

const microsoft = 'com.microsoft';

/** Nodes that quantize the rows of a value. Products of the same value share them. */
export function quantizeRows(value: string, opset: number): { nodes: Buffer[]; rows: QuantizedRows } {
  const name = (part: string) => `${value}.int8.${part}`;
  const rows = { values: name('values'), centres: name('centres'), sizes: name('sizes') };
  /** Axes became an input with opset 18. */
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
    // A row of equal values has no scale.
    { op: 'Max', inputs: [name('reach'), shared.least], output: rows.sizes },
    { op: 'Div', inputs: [shared.largest, rows.sizes], output: name('factors') },
    { op: 'Sub', inputs: [value, rows.centres], output: name('centred') },
    { op: 'Mul', inputs: [name('centred'), name('factors')], output: name('scaled') },
    { op: 'QuantizeLinear', inputs: [name('scaled'), shared.one, shared.zeroPoint], output: rows.values },
  ];
  return { nodes: nodes.map(nodeMessage), rows };
}

/** Nodes that multiply quantized rows by a matrix. @param bias is added to each row of the product, if any. */
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
