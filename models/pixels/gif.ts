type Colour = readonly [red: number, green: number, blue: number];

/** Properties of a GIF's first frame that libvips does not report. */
export interface GifFrame {
  /** True without a colour table, or when every entry i is (i, i, i). Pillow reads such an image as grey. */
  isGrey: boolean;
  /** True when the frame has a transparent colour. Its pixels then get `fill`, like those outside the frame. */
  isTransparent: boolean;
  /** Pillow's colour outside the frame: the transparent colour if any, else entry 0 of the colour table. */
  fill: Colour;
  left: number;
  top: number;
  width: number;
  height: number;
}

const greyTable = Uint8Array.from({ length: 768 }, (_, at) => Math.floor(at / 3));

const bytesOfTable = (flags: number) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);

/** Returns the offset of the first frame's descriptor, and the index of its transparent colour, if any. */
function findFrame(bytes: Uint8Array): { at: number; transparent: number | undefined } {
  const byte = (at: number) => bytes[at] ?? 0;
  let transparent: number | undefined;
  let at = 13 + bytesOfTable(byte(10));
  // Skips extensions: a label and a chain of blocks, of which the last is empty.
  while (byte(at) === 0x21) {
    if (byte(at + 1) === 0xf9) transparent = byte(at + 3) & 1 ? byte(at + 6) : undefined;
    at += 2;
    while (byte(at) > 0) at += byte(at) + 1;
    at++;
  }
  return { at, transparent };
}

export function readGifFrame(bytes: Uint8Array): GifFrame {
  const byte = (at: number) => bytes[at] ?? 0;
  const word = (at: number) => byte(at) | (byte(at + 1) << 8);
  const { at, transparent } = findFrame(bytes);
  const global = bytes.subarray(13, 13 + bytesOfTable(byte(10)));
  const local = bytes.subarray(at + 10, at + 10 + bytesOfTable(byte(at + 9)));
  const table = local.length > 0 ? local : global;
  const isGrey = table.every((value, index) => value === greyTable[index]);
  const entry = transparent ?? 0;
  const channel = (offset: number) => (isGrey ? entry : (table[entry * 3 + offset] ?? 0));
  return {
    isGrey,
    isTransparent: transparent !== undefined,
    fill: [channel(0), channel(1), channel(2)],
    left: word(at + 1),
    top: word(at + 3),
    width: word(at + 5),
    height: word(at + 7),
  };
}

/**
 * Adds a grey colour table to a GIF without one: Pillow reads it as grey, libvips as black.
 * @returns the same bytes when there is a table.
 */
export function withColourTable(bytes: Uint8Array): Uint8Array {
  const flags = bytes[10] ?? 0;
  const { at } = findFrame(bytes);
  if (flags & 0x80 || (bytes[at + 9] ?? 0) & 0x80 || bytes.length < 13) return bytes;
  const complete = new Uint8Array(bytes.length + greyTable.length);
  complete.set(bytes.subarray(0, 13));
  complete[10] = (flags & 0x78) | 0x87;
  complete.set(greyTable, 13);
  complete.set(bytes.subarray(13), 13 + greyTable.length);
  return complete;
}
