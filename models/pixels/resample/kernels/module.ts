import { readFileSync } from 'node:fs';

/** The used part of the WebAssembly API. Neither Node nor ECMAScript provides types. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: unknown };
};

export interface Memory {
  readonly buffer: ArrayBuffer;
  /** Enlarges the memory and replaces `buffer`. @param pages of 64 KiB. */
  grow(pages: number): void;
}

type Pass = (
  from: number,
  fromStride: number,
  /** Horizontal pass: the number of rows. Vertical pass: bytes per row. */
  extent: number,
  to: number,
  toStride: number,
  /** Horizontal pass: pixels per row. Vertical pass: the number of rows. */
  length: number,
  places: number,
  weights: number,
  weightStride: number,
) => void;

export interface Kernels {
  memory: Memory;
  narrowRgb: Pass;
  narrowRgba: Pass;
  narrowGrey: Pass;
  shorten: Pass;
  multiplyByAlpha(pixels: number, bytes: number): void;
}

export const kernelsPath = new URL('./kernels.wasm', import.meta.url);

let compiled: object | undefined;

export function instantiateKernels(): Kernels {
  compiled ??= new WebAssembly.Module(readFileSync(kernelsPath));
  return new WebAssembly.Instance(compiled).exports as Kernels;
}
