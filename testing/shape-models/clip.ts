import type { Graph } from '../onnx/write.ts';
import { createGraph, type GraphBuilder, type Precision } from './graph.ts';

/** The sizes of a CLIP model, as in OpenCLIP's model configurations. */
export interface ClipShape {
  /** Length of an embedding. */
  dimensions: number;
  vision: { imageSize: number; patchSize: number; width: number; layers: number };
  text: { contextLength: number; vocabulary: number; width: number; layers: number };
}

const headWidth = 64;
const text = { contextLength: 77, vocabulary: 49_408 };

export const vitB32: ClipShape = {
  dimensions: 512,
  vision: { imageSize: 224, patchSize: 32, width: 768, layers: 12 },
  text: { ...text, width: 512, layers: 12 },
};
export const vitL14: ClipShape = {
  dimensions: 768,
  vision: { imageSize: 224, patchSize: 14, width: 1024, layers: 24 },
  text: { ...text, width: 768, layers: 12 },
};

/** A model whose encoders take almost no time, to measure everything else. */
export const tiny: ClipShape = {
  dimensions: 512,
  vision: { imageSize: 224, patchSize: 112, width: 64, layers: 1 },
  text: { ...text, width: 64, layers: 1 },
};

/**
 * Builds the image encoder: `pixel_values [batch, 3, size, size]` to `image_embeds [batch, dimensions]`, not
 * normalised.
 */
export function visionTower({ dimensions, vision }: ClipShape, precision: Precision): Graph {
  const { imageSize, patchSize, width, layers } = vision;
  const graph = createGraph(precision);
  const { node, integers } = graph;
  const patchValues = 3 * patchSize ** 2;
  const kernel = graph.weight('patches', [width, 3, patchSize, patchSize], patchValues ** -0.5);
  const square = { ints: [patchSize, patchSize] };
  const patches = node('Conv', [graph.cast('pixel_values'), kernel], { kernel_shape: square, strides: square });
  const tokens = node('Transpose', [node('Reshape', [patches, integers([0, width, -1])])], {
    perm: { ints: [0, 2, 1] },
  });

  const batch = node('Slice', [node('Shape', ['pixel_values']), integers([0]), integers([1])]);
  const classShape = node('Concat', [batch, integers([1, width])], { axis: { i: 0 } });
  const classToken = node('Expand', [graph.weight('class', [1, 1, width], 1), classShape]);
  const positions = graph.weight('positions', [(imageSize / patchSize) ** 2 + 1, width], 0.1);
  let x = node('Add', [node('Concat', [classToken, tokens], { axis: { i: 1 } }), positions]);
  x = graph.layerNorm(x, width);
  for (let layer = 0; layer < layers; layer++) x = block(graph, `block ${layer}`, x, width);
  const pooled = node('Squeeze', [node('Slice', [x, integers([0]), integers([1]), integers([1])]), integers([1])]);
  const embedding = graph.linear('projection', graph.layerNorm(pooled, width), width, dimensions, {
    bias: false,
    fuller: true,
  });
  return graph.finish(embedding, {
    name: 'vision',
    input: { name: 'pixel_values', type: 'float', dims: ['batch', 3, imageSize, imageSize] },
    output: { name: 'image_embeds', type: 'float', dims: ['batch', dimensions] },
  });
}

/** Builds the text encoder: `input_ids [batch, sequence]` to `text_embeds [batch, dimensions]`, not normalised. */
export function textTower({ dimensions, text }: ClipShape, precision: Precision): Graph {
  const { contextLength, vocabulary, width, layers } = text;
  const graph = createGraph(precision);
  const { node, integers } = graph;
  const length = node('Slice', [node('Shape', ['input_ids']), integers([1]), integers([2])]);
  const firstRows = (tensor: string) => node('Slice', [tensor, integers([0]), length, integers([0])]);

  const words = node('Gather', [graph.weight('words', [vocabulary, width], 1), 'input_ids']);
  let x = node('Add', [words, firstRows(graph.weight('positions', [contextLength, width], 0.1))]);
  const causal = graph.floats(
    [contextLength, contextLength],
    Float32Array.from({ length: contextLength ** 2 }, (_, at) =>
      at % contextLength > Math.floor(at / contextLength) ? Number.NEGATIVE_INFINITY : 0,
    ),
  );
  const mask = node('Slice', [firstRows(causal), integers([0]), length, integers([1])]);
  for (let layer = 0; layer < layers; layer++) x = block(graph, `block ${layer}`, x, width, mask);
  // The end token has the highest id. ArgMax returns the first of several.
  const end = node('ArgMax', ['input_ids'], { axis: { i: 1 }, keepdims: { i: 1 } });
  const pooled = node('GatherND', [x, end], { batch_dims: { i: 1 } });
  const embedding = graph.linear('projection', graph.layerNorm(pooled, width), width, dimensions, {
    bias: false,
    fuller: true,
  });
  return graph.finish(embedding, {
    name: 'text',
    input: { name: 'input_ids', type: 'int64', dims: ['batch', 'sequence'] },
    output: { name: 'text_embeds', type: 'float', dims: ['batch', dimensions] },
  });
}

/** Adds a residual attention block with layer normalisation before attention and MLP. */
function block(graph: GraphBuilder, name: string, x: string, width: number, mask?: string): string {
  const { node } = graph;
  const attended = attention(graph, `${name}.attention`, graph.layerNorm(x, width), width, mask);
  const middle = node('Add', [x, attended]);
  const inner = graph.linear(`${name}.up`, graph.layerNorm(middle, width), width, 4 * width);
  // QuickGELU, the activation function of OpenAI's models.
  const gate = node('Sigmoid', [node('Mul', [inner, graph.floats([], Float32Array.of(1.702))])]);
  const outer = graph.linear(`${name}.down`, node('Mul', [inner, gate]), 4 * width, width);
  return node('Add', [middle, outer]);
}

function attention(graph: GraphBuilder, name: string, x: string, width: number, mask?: string): string {
  const { node, integers } = graph;
  const joint = graph.linear(`${name}.in`, x, width, 3 * width);
  const [q = '', k = '', v = ''] = graph.split('Split', [joint, integers([width, width, width])], 3, {
    axis: { i: -1 },
  });
  const heads = (tensor: string, perm: readonly number[]) =>
    node('Transpose', [node('Reshape', [tensor, integers([0, 0, width / headWidth, headWidth])])], {
      perm: { ints: perm },
    });
  const scaled = node('Mul', [q, graph.floats([], Float32Array.of(headWidth ** -0.5))]);
  let weights = node('MatMul', [heads(scaled, [0, 2, 1, 3]), heads(k, [0, 2, 3, 1])]);
  if (mask !== undefined) weights = node('Add', [weights, mask]);
  const mixed = node('MatMul', [node('Softmax', [weights], { axis: { i: -1 } }), heads(v, [0, 2, 1, 3])]);
  const joined = node('Reshape', [
    node('Transpose', [mixed], { perm: { ints: [0, 2, 1, 3] } }),
    integers([0, 0, width]),
  ]);
  return graph.linear(`${name}.out`, joined, width, width);
}
