import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { field, integer, text } from '../../../../models/encoder/protobuf.ts';
import { externalTensor, nodeMessage } from '../../../../models/quantization/messages.ts';
import { quantize, weightsOf } from '../../../../models/quantization/quantize.ts';
import { toHalf } from '../../../../testing/onnx/half.ts';
import {
  contentOf,
  distance,
  graphOf,
  int8Matrices,
  lastProduct,
  matrix,
  node,
  run,
  values,
} from '../../../support/onnx-graphs.ts';

const directory = mkdtempSync(join(tmpdir(), 'vls-quantize-'));
afterAll(() => rmSync(directory, { recursive: true }));
let count = 0;
const pathOf = (name: string) => join(directory, `${count++}-${name}`);

function written(bytes: Uint8Array): string {
  const path = pathOf('source.onnx');
  writeFileSync(path, bytes);
  return path;
}

async function quantized(bytes: Uint8Array): Promise<{ source: string; target: string }> {
  const source = written(bytes);
  const target = pathOf('int8.onnx');
  await quantize(source, target);
  return { source, target };
}

const rows = 8;
const inputs = 48;
const x = values(rows * inputs, 7);

/** Compares both graphs. The error of int8 is below one percent of the largest value. */
async function expectSame({ source, target }: { source: string; target: string }): Promise<void> {
  const [exact, rounded] = [await run(source, x, inputs), await run(target, x, inputs)];
  expect(distance(exact, rounded)).toBeLessThan(0.01);
  // Otherwise nothing was rounded.
  expect(distance(exact, rounded)).toBeGreaterThan(1e-5);
}

describe('a graph in int8', () => {
  const plain = () => graphOf(inputs, 32, [node('MatMul', ['x', 'w'], 'y')], [matrix('w', [inputs, 32])]);

  test('has nearly the results of its fp32 graph, and its matrix once, as int8 with a scale for each column', async () => {
    const files = await quantized(plain());
    await expectSame(files);
    expect(int8Matrices(files.target)).toMatchObject([{ dims: [inputs, 32] }]);
    expect(contentOf(files.target).tensors.map(({ name }) => name)).not.toContain('w');
  });

  test('computes each row from that row alone', async () => {
    const { target } = await quantized(plain());
    const together = await run(target, x, inputs);
    const outliers = x.map((value, at) => (at < inputs ? value : 1000 * value));
    for (let row = 0; row < rows; row++) {
      const alone = await run(target, x.slice(row * inputs, (row + 1) * inputs), inputs);
      expect(alone).toEqual(together.slice(row * 32, (row + 1) * 32));
    }
    expect((await run(target, outliers, inputs)).slice(0, 32)).toEqual(together.slice(0, 32));
  });

  test('gives zeros for a row of zeros, and the exact result for a row of equal values', async () => {
    const { source, target } = await quantized(plain());
    const equal = Float32Array.from({ length: 2 * inputs }, (_, at) => (at < inputs ? 0 : 3));
    const [exact, rounded] = [await run(source, equal, inputs), await run(target, equal, inputs)];
    expect([...rounded.slice(0, 32)].map(Math.abs)).toEqual(Array(32).fill(0));
    expect(distance(exact, rounded)).toBeLessThan(0.02);
  });

  test('transposes the matrix of a Gemm with transB, and applies its alpha and bias', async () => {
    const gemm = node('Gemm', ['x', 'w', 'b'], 'y', { transB: { i: 1 }, alpha: { f: 0.5 } });
    const bias = { name: 'b', type: 'float', dims: [32], values: values(32, 3) } as const;
    const files = await quantized(graphOf(inputs, 32, [gemm], [matrix('w', [32, inputs]), bias]));
    await expectSame(files);
    expect(int8Matrices(files.target)).toMatchObject([{ dims: [inputs, 32] }]);
  });

  test('leaves a Gemm in fp32 that transposes its activations or scales its bias', async () => {
    const nodes = [
      node('Transpose', ['x'], 'turned'),
      node('Gemm', ['turned', 'w'], 'first', { transA: { i: 1 } }),
      node('Gemm', ['x', 'w', 'first'], 'second', { beta: { f: 2 } }),
      node('MatMul', ['second', 'v'], 'y'),
    ];
    const files = await quantized(graphOf(inputs, 32, nodes, [matrix('w', [inputs, 40]), matrix('v', [40, 32], 5)]));
    await expectSame(files);
    expect(int8Matrices(files.target)).toMatchObject([{ dims: [40, 32] }]);
    expect(contentOf(files.target).nodes.filter(({ op }) => op === 'Gemm')).toHaveLength(2);
  });

  test('shares the int8 matrix of two products and the quantized activations of three', async () => {
    const nodes = [
      node('MatMul', ['x', 'w'], 'a'),
      node('MatMul', ['x', 'w'], 'b'),
      node('MatMul', ['x', 'v'], 'c'),
      node('Add', ['a', 'b'], 'd'),
      node('Add', ['c', 'd'], 'y'),
    ];
    const files = await quantized(
      graphOf(inputs, 32, nodes, [matrix('w', [inputs, 32]), matrix('v', [inputs, 32], 5)]),
    );
    await expectSame(files);
    expect(int8Matrices(files.target)).toHaveLength(2);
    expect(contentOf(files.target).nodes.filter(({ op }) => op === 'QuantizeLinear')).toHaveLength(1);
  });

  test('keeps a matrix in fp32 as well, where another node reads it', async () => {
    const indices = { name: 'i', type: 'int64', dims: [1], values: BigInt64Array.of(2n) } as const;
    const nodes = [
      node('MatMul', ['x', 'w'], 'product'),
      node('Gather', ['w', 'i'], 'row'),
      node('Add', ['product', 'row'], 'y'),
    ];
    const files = await quantized(graphOf(inputs, 32, nodes, [matrix('w', [inputs, 32]), indices]));
    await expectSame(files);
    expect(contentOf(files.target).tensors.map(({ name }) => name)).toContain('w');
  });

  test('takes a matrix that is computed from constants, and leaves out what it was computed from', async () => {
    const small = Int8Array.from(values(32 * inputs, 9), (value) => 100 * value);
    const nodes = [
      node('Cast', ['w8'], 'wf', { to: { i: 1 } }),
      node('Mul', ['wf', 'scale'], 'ws'),
      node('Transpose', ['ws'], 'w'),
      node('MatMul', ['x', 'w'], 'y'),
    ];
    const files = await quantized(
      graphOf(inputs, 32, nodes, [
        { name: 'w8', type: 'int8', dims: [32, inputs], values: small },
        { name: 'scale', type: 'float', dims: [32, 1], values: values(32, 11) },
      ]),
    );
    await expectSame(files);
    const { nodes: kept, tensors } = contentOf(files.target);
    expect(kept.map(({ op }) => op)).not.toContain('Transpose');
    expect(tensors.map(({ name }) => name)).not.toContain('w8');
  });

  test('does not touch products of activations', async () => {
    const nodes = [
      node('MatMul', ['x', 'w'], 'a'),
      node('Transpose', ['a'], 'b'),
      node('MatMul', ['a', 'b'], 'c'),
      node('MatMul', ['c', 'a'], 'y'),
    ];
    const files = await quantized(graphOf(inputs, 32, nodes, [matrix('w', [inputs, 32])]));
    expect(contentOf(files.target).nodes.filter(({ op }) => op === 'MatMul')).toHaveLength(3);
    expect(int8Matrices(files.target)).toHaveLength(1);
  });

  test('reads weights from another file', async () => {
    const source = pathOf('source.onnx');
    const weights = values(inputs * 32, 3);
    // The matrix does not begin at the start of the file.
    writeFileSync(`${source}_data`, Buffer.concat([Buffer.alloc(64), Buffer.from(weights.buffer)]));
    const location = source.slice(directory.length + 1);
    const identity = lastProduct('y', 32).initializer.values;
    const identityFile = `${source}.data`;
    writeFileSync(identityFile, Buffer.from(identity.buffer));
    const info = (name: string, columns: number) => {
      const dim = (size: number | string) => field(1, typeof size === 'number' ? integer(1, size) : text(2, size));
      const shape = Buffer.concat([dim('rows'), dim(columns)]);
      return Buffer.concat([text(1, name), field(2, field(1, Buffer.concat([integer(1, 1), field(2, shape)])))]);
    };
    const graph = Buffer.concat([
      field(1, nodeMessage({ op: 'MatMul', inputs: ['x', 'w'], output: 'y' })),
      field(1, nodeMessage({ op: 'MatMul', inputs: ['y', 'identity'], output: 'output' })),
      text(2, 'test'),
      field(
        5,
        externalTensor('w', 1, [inputs, 32], { location: `${location}_data`, offset: 64, length: 4 * inputs * 32 }),
      ),
      field(5, externalTensor('identity', 1, [32, 32], { location: `${location}.data`, offset: 0, length: 4096 })),
      field(11, info('x', inputs)),
      field(12, info('output', 32)),
    ]);
    writeFileSync(source, Buffer.concat([integer(1, 8), field(7, graph), field(8, integer(2, 17))]));
    const target = pathOf('int8.onnx');
    expect(await quantize(source, target)).toEqual({ products: 1, values: inputs * 32 });
    await expectSame({ source, target });
    rmSync(`${source}_data`);
    await expect(quantize(source, pathOf('int8.onnx'))).rejects.toThrow(`${location}_data, which do not exist`);
  });

  test('is refused with the reason when the file cannot be converted', async () => {
    const target = () => pathOf('int8.onnx');
    await expect(quantize(written(Buffer.from('<html>')), target())).rejects.toThrow('is not an ONNX model');
    const cut = written(plain());
    truncateSync(cut, readFileSync(cut).length - 100);
    await expect(quantize(cut, target())).rejects.toThrow('is not an ONNX model');
    await expect(quantize(written(toHalf(plain())), target())).rejects.toThrow(
      'has no matrix product with constant fp32 weights',
    );
    const withNaN = values(inputs * 32);
    withNaN[5] = Number.NaN;
    const broken = { ...matrix('w', [inputs, 32]), values: withNaN };
    const bytes = graphOf(inputs, 32, [node('MatMul', ['x', 'w'], 'y')], [broken]);
    await expect(quantize(written(bytes), target())).rejects.toThrow('the matrix w: a weight is not a finite number');
    const short = { ...matrix('w', [inputs, 32]), dims: [inputs, 33] };
    const mismatched = graphOf(inputs, 32, [node('MatMul', ['x', 'w'], 'y')], [short]);
    await expect(quantize(written(mismatched), target())).rejects.toThrow('their shape requires');
  });

  test('has its weights in a file of their own, which ONNX Runtime maps', async () => {
    const { target } = await quantized(plain());
    expect(readFileSync(weightsOf(target)).length).toBeGreaterThanOrEqual(inputs * 32);
    expect(readFileSync(target).length).toBeLessThan(inputs * 32 * 4);
  });
});
