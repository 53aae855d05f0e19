/** Reads and writes ONNX files field by field. Field numbers are those of onnx.proto. */

export const modelField = { graph: 7 } as const;
export const lengthDelimited = 2;

export interface Span {
  start: number;
  end: number;
}

export interface Field extends Span {
  number: number;
  wireType: number;
  /** The offset of the field's tag (its number and type). */
  at: number;
  /** The value of a varint; the length of a length-delimited field. */
  value: number;
}

/** Yields the fields of a message without parsing their contents. @throws {Error} when the bytes are not a message. */
export function* fieldsIn(bytes: Uint8Array, start = 0, end = bytes.length): Generator<Field> {
  let at = start;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || at > end || factor > 2 ** 63) throw new Error('the bytes are not an ONNX model');
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < end) {
    const tagAt = at;
    const key = varint();
    const wireType = key & 7;
    const value = wireType === 0 || wireType === lengthDelimited ? varint() : 0;
    const length = { 0: 0, 1: 8, [lengthDelimited]: value, 5: 4 }[wireType];
    if (length === undefined || at + length > end) throw new Error('the bytes are not an ONNX model');
    yield { number: Math.floor(key / 8), wireType, at: tagAt, start: at, end: at + length, value };
    at += length;
  }
}

export function messageIn(bytes: Uint8Array, span: Span | undefined, number: number): Span | undefined {
  if (span === undefined) return undefined;
  for (const part of fieldsIn(bytes, span.start, span.end)) if (part.number === number) return part;
  return undefined;
}

export function textIn(bytes: Uint8Array, span: Span, number: number): string {
  const found = messageIn(bytes, span, number);
  return found === undefined ? '' : Buffer.from(bytes.subarray(found.start, found.end)).toString();
}

export function numberIn(bytes: Uint8Array, span: Span | undefined, number: number): number {
  if (span === undefined) return 0;
  for (const part of fieldsIn(bytes, span.start, span.end)) if (part.number === number) return part.value;
  return 0;
}

export const tag = (number: number, wireType: number) => number * 8 + wireType;

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

export const field = (number: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([varint(tag(number, lengthDelimited)), varint(bytes.length), bytes]);
export const text = (number: number, value: string) => field(number, Buffer.from(value));
export const integer = (number: number, value: number) => Buffer.concat([varint(tag(number, 0)), varint(value)]);
