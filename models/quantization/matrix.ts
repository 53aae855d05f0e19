/** A matrix of int8 values with one scale for each column: `value = scale[column] * quantized`. */
export interface QuantizedMatrix {
  rows: number;
  columns: number;
  values: Int8Array<ArrayBuffer>;
  scales: Float32Array<ArrayBuffer>;
  /** The sum of the quantized values of each column, multiplied by its scale. */
  sums: Float32Array<ArrayBuffer>;
}

/** -128 is not used, so the range is symmetric. */
const largest = 127;

/**
 * Rounds a matrix to int8, with one scale for each column.
 * @param isTransposed true when each row of `source` is a column of the result.
 * @param factor multiplies each scale.
 * @throws {Error} when a value is not finite.
 */
export function quantizeColumns(
  source: Float32Array,
  [first, second]: readonly [number, number],
  isTransposed: boolean,
  factor = 1,
): QuantizedMatrix {
  const [rows, columns] = isTransposed ? [second, first] : [first, second];
  const scales = new Float32Array(columns);
  // The inner loop follows the order of the values in memory, which is fast.
  for (let outer = 0; outer < first; outer++) {
    const from = outer * second;
    for (let inner = 0; inner < second; inner++) {
      const size = Math.abs(source[from + inner] as number);
      const column = isTransposed ? outer : inner;
      // NaN remains in `scales`, because every comparison with NaN is false.
      if (size > (scales[column] as number) || Number.isNaN(size)) scales[column] = size;
    }
  }
  if (!scales.every(Number.isFinite)) throw new Error('a weight is not a finite number');
  const inverse = Float32Array.from(scales, (size) => (size === 0 ? 0 : largest / size));
  const values = new Int8Array(rows * columns);
  const sums = new Float32Array(columns);
  for (let outer = 0; outer < first; outer++) {
    const from = outer * second;
    for (let inner = 0; inner < second; inner++) {
      const column = isTransposed ? outer : inner;
      const at = isTransposed ? inner * columns + outer : from + inner;
      const value = Math.round((source[from + inner] as number) * (inverse[column] as number));
      values[at] = value;
      // The sum is exact in float32 for up to 2^17 rows: it needs at most 24 bits.
      sums[column] = (sums[column] as number) + value;
    }
  }
  for (let column = 0; column < columns; column++) {
    scales[column] = ((scales[column] as number) / largest) * factor;
    sums[column] = (sums[column] as number) * (scales[column] as number);
  }
  return { rows, columns, values, scales, sums };
}
