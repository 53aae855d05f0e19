import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type Field, fieldsIn, lengthDelimited, type Span } from '../encoder/protobuf.ts';

/**
 * Weights stay on disk until they are read: an encoder may have 2 GB. Reads are synchronous, because the conversion of
 * weights blocks the thread anyway.
 */
export class OnnxFile implements Disposable {
  readonly path: string;
  readonly size: number;
  readonly #handle: number;
  readonly #window = Buffer.alloc(64 * 1024);
  #from = 0;
  #to = 0;

  constructor(path: string) {
    this.path = path;
    this.#handle = openSync(path, 'r');
    this.size = fstatSync(this.#handle).size;
  }

  [Symbol.dispose](): void {
    closeSync(this.#handle);
  }

  /**
   * Iterates the fields of a message without reading their contents.
   * @throws {Error} when the bytes are not a message.
   */
  *fields(start = 0, end = this.size): Generator<Field> {
    let at = start;
    const varint = (): number => {
      let value = 0;
      for (let factor = 1; factor < 2 ** 64; factor *= 128) {
        if (at >= end) break;
        const byte = this.#byteAt(at++);
        value += (byte & 127) * factor;
        if (byte < 128) return value;
      }
      throw this.#notOnnx();
    };
    while (at < end) {
      const tagAt = at;
      const key = varint();
      const wireType = key & 7;
      const value = wireType === 0 || wireType === lengthDelimited ? varint() : 0;
      const length = { 0: 0, 1: 8, [lengthDelimited]: value, 5: 4 }[wireType];
      if (length === undefined || at + length > end) throw this.#notOnnx();
      yield { number: Math.floor(key / 8), wireType, at: tagAt, start: at, end: at + length, value };
      at += length;
    }
  }

  /** Returns a copy that begins at offset 0 of a new ArrayBuffer. */
  bytes({ start, end }: Span): Buffer {
    const bytes = Buffer.from(new ArrayBuffer(end - start));
    for (let at = 0; at < bytes.length; ) {
      const count = readSync(this.#handle, bytes, at, bytes.length - at, start + at);
      if (count === 0) throw new Error(`${this.path} is truncated: it ends before the end of its weights`);
      at += count;
    }
    return bytes;
  }

  #byteAt(position: number): number {
    if (position < this.#from || position >= this.#to) {
      const count = readSync(this.#handle, this.#window, 0, this.#window.length, position);
      [this.#from, this.#to] = [position, position + count];
    }
    const byte = this.#window[position - this.#from];
    if (byte === undefined || position >= this.#to) throw this.#notOnnx();
    return byte;
  }

  #notOnnx = (): Error => new Error(`${this.path} is not an ONNX model`);
}

/** Returns all values of a repeated string field. */
export const textsIn = (bytes: Uint8Array, span: Span, number: number): string[] =>
  [...fieldsIn(bytes, span.start, span.end)]
    .filter((part) => part.number === number)
    .map(({ start, end }) => Buffer.from(bytes.subarray(start, end)).toString());

export const whole = (bytes: Uint8Array): Span => ({ start: 0, end: bytes.length });
