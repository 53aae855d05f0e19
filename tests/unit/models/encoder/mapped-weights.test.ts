import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readMapped } from '../../../../models/encoder/mapped-weights.ts';
import { InferenceSession, Tensor } from '../../../../models/onnx-runtime.ts';
import { encodeModel } from '../../../../testing/onnx/write.ts';

const folder = mkdtempSync(join(tmpdir(), 'vls-mapped-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const side = 100;
const weights = Float32Array.from({ length: side * side }, (_, at) => Math.sin(at));
const bias = Float32Array.from({ length: side }, (_, at) => at / 10);
/** `x @ weights + bias`: 40 KB of weights, and a bias that stays in the graph. */
const model = encodeModel({
  name: 'test',
  nodes: [
    { op: 'MatMul', inputs: ['x', 'weights'], outputs: ['product'], attributes: {} },
    { op: 'Add', inputs: ['product', 'bias'], outputs: ['y'], attributes: {} },
  ],
  initializers: [
    { name: 'weights', type: 'float', dims: [side, side], values: weights },
    { name: 'bias', type: 'float', dims: [side], values: bias },
  ],
  input: { name: 'x', type: 'float', dims: ['batch', side] },
  output: { name: 'y', type: 'float', dims: ['batch', side] },
});
const x = new Tensor(
  'float32',
  Float32Array.from({ length: side }, (_, at) => Math.cos(at)),
  [1, side],
);

async function run(graph: Uint8Array, at: string = folder): Promise<Float32Array> {
  const extra = { session: { model_external_initializers_file_folder_path: at } };
  const session = await InferenceSession.create(graph, { extra });
  const { y } = await session.run({ x });
  return y?.data as Float32Array;
}

test('a graph with its weights mapped gives the same values', async () => {
  const path = join(folder, 'model.onnx');
  writeFileSync(path, model);
  const graph = await readMapped(path);
  expect(graph.folder).toBe(folder);
  expect(graph.bytes.length).toBeLessThan(1_500);
  expect(await run(graph.bytes, graph.folder)).toEqual(await run(model));
});

test('a graph behind a link, as in a cache of the hub, is mapped where it lies', async () => {
  const [blobs, snapshot] = [join(folder, 'blobs'), join(folder, 'snapshot')];
  for (const one of [blobs, snapshot]) mkdirSync(one);
  writeFileSync(join(blobs, 'c0ffee'), model);
  symlinkSync(join(blobs, 'c0ffee'), join(snapshot, 'model.onnx'));
  const graph = await readMapped(join(snapshot, 'model.onnx'));
  expect(graph.folder).toBe(blobs);
  expect(await run(graph.bytes, graph.folder)).toEqual(await run(model));
});

test('a graph with weights in another folder is read whole', async () => {
  const own = join(folder, 'own');
  mkdirSync(join(own, 'model.weights'), { recursive: true });
  const mapped = await readMapped(join(folder, 'model.onnx'));
  const path = join(own, 'model.onnx');
  writeFileSync(path, mapped.bytes);
  writeFileSync(join(own, 'model.weights', 'model.onnx'), model);
  const graph = await readMapped(path);
  expect(graph).toEqual({ bytes: mapped.bytes, folder: join(own, 'model.weights') });
  expect(await run(graph.bytes, graph.folder)).toEqual(await run(model));
});

test('a damaged file is refused by its name', async () => {
  const path = join(folder, 'damaged.onnx');
  writeFileSync(path, model);
  truncateSync(path, Math.floor(model.length / 2));
  await expect(readMapped(path)).rejects.toThrow(/damaged\.onnx: the bytes are not an ONNX model/);
});
