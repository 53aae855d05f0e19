/** An array of a `.npy` file, with its numbers as doubles. */
export interface NpyArray {
  type: string;
  rows: number;
  columns: number;
  row(at: number): number[];
}

/** Reads a `.npy` file of version 1.0 with two axes. */
export function readNpy(file: Buffer): NpyArray {
  if (file.subarray(0, 8).toString('latin1') !== '\x93NUMPY\x01\x00') throw new Error('not a .npy file of version 1.0');
  const end = 10 + file.readUInt16LE(8);
  if (end % 64 !== 0) throw new Error('the header is not aligned');
  const text = file.subarray(10, end).toString('latin1');
  const [, type = '', rows = '', columns = ''] =
    /^\{'descr': '(<f[24])', 'fortran_order': False, 'shape': \((\d+), (\d+)\), \} *\n$/.exec(text) ?? [];
  const { buffer } = new Uint8Array(file.subarray(end));
  const numbers = type === '<f2' ? new Float16Array(buffer) : new Float32Array(buffer);
  if (numbers.length !== Number(rows) * Number(columns)) throw new Error(`${numbers.length} numbers, header ${text}`);
  return {
    ...{ type, rows: Number(rows), columns: Number(columns) },
    row: (at) => [...numbers.subarray(at * Number(columns), (at + 1) * Number(columns))],
  };
}

export const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
