import type { FileHandle } from 'node:fs/promises';

/** A field of a Protocol Buffers message: a varint, or bytes with their position in the file. */
export interface Field {
  number: number;
  /** The value of a varint, or the number of bytes. */
  value: number;
  start: number;
  end: number;
}

/** Reads the headers of the Protocol Buffers fields of an ONNX file through a small buffer, and skips the data. */
export class FieldReader {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #window = Buffer.alloc(16 * 1024);
  #from = 0;
  #to = 0;

  constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = path;
  }

  /** Fields of a fixed 4 or 8 bytes are skipped. */
  async *fields(start: number, end: number): AsyncGenerator<Field> {
    let at = start;
    const varint = async (): Promise<number> => {
      let value = 0;
      for (let factor = 1; factor < 2 ** 64; factor *= 128) {
        if (at >= end) break;
        const byte = this.#inWindow(at) ?? (await this.#byteAt(at));
        at++;
        value += (byte & 127) * factor;
        if (byte < 128) return value;
      }
      throw this.#notOnnx();
    };
    while (at < end) {
      const key = await varint();
      const wireType = key & 7;
      const length = { 0: 0, 1: 8, 2: 0, 5: 4 }[wireType];
      if (length === undefined) throw this.#notOnnx();
      const hasValue = wireType === 0 || wireType === 2;
      const value = hasValue ? await varint() : 0;
      const next = at + (wireType === 2 ? value : length);
      if (next > end) throw this.#notOnnx();
      if (hasValue) yield { number: Math.floor(key / 8), value, start: at, end: next };
      at = next;
    }
  }

  async text(start: number, end: number): Promise<string> {
    if (start >= this.#from && end <= this.#to)
      return this.#window.toString('utf8', start - this.#from, end - this.#from);
    const bytes = Buffer.alloc(Math.min(end - start, 4096));
    await this.#handle.read(bytes, 0, bytes.length, start);
    return bytes.toString();
  }

  #inWindow(position: number): number | undefined {
    return position >= this.#from && position < this.#to ? this.#window[position - this.#from] : undefined;
  }

  async #byteAt(position: number): Promise<number> {
    const { bytesRead } = await this.#handle.read(this.#window, 0, this.#window.length, position);
    [this.#from, this.#to] = [position, position + bytesRead];
    const byte = this.#inWindow(position);
    if (byte === undefined) throw this.#notOnnx();
    return byte;
  }

  #notOnnx = () => new Error(`${this.#path} is not an ONNX model`);
}
