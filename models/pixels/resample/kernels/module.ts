import { readFileSync } from 'node:fs';

/**
 * The parts of the JavaScript API of WebAssembly that are used here. Neither Node nor ECMAScript provides types for
 * them.
 */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: unknown };
};

export interface Memory {
  readonly buffer: ArrayBuffer;
  /** Enlarges the memory and replaces `buffer`. @param pages the number of pages of 64 KiB. */
  grow(pages: number): void;
}

type Pass = (
  from: number,
  fromStride: number,
  /** The number of rows in a horizontal pass; the number of bytes of a row in a vertical pass. */
  extent: number,
  to: number,
  toStride: number,
  /** The number of pixels of a row in a horizontal pass; the number of rows in a vertical pass. */
  length: number,
  places: number,
  weights: number,
  weightStride: number,
) => void;

/** An instance of `kernels.wasm`. `kernels.ts` describes each function. */
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
