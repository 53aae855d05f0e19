import { readFileSync } from 'node:fs';

/** The used part of WebAssembly's JavaScript API, for which Node and ECMAScript have no types. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: unknown };
};

export interface Memory {
  readonly buffer: ArrayBuffer;
  /** @param pages of 64 KiB. Replaces `buffer`. */
  grow(pages: number): void;
}

type Pass = (
  from: number,
  fromStride: number,
  /** Rows in a horizontal pass, bytes of a row in a vertical one. */
  extent: number,
  to: number,
  toStride: number,
  /** Pixels of a row in a horizontal pass, rows in a vertical one. */
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
