/** Boxes on the way to the properties of a HEIF file's items; `meta` has four bytes of version and flags. */
const containers = new Map([
  ['meta', 4],
  ['iprp', 0],
  ['ipco', 0],
]);

/** Item properties that turn, mirror or crop the decoded image. The reference does not apply them. */
const transforms = new Set(['irot', 'imir', 'clap']);

/**
 * The image as it is stored: libheif applies rotation, mirroring and cropping, Pillow does not. An image sequence
 * (`avis`) is marked as a still image, since libvips refuses the brand; its primary item is its first frame.
 * @returns the bytes themselves when nothing has to change.
 */
export function asStored(bytes: Uint8Array): Uint8Array {
  let changed: Buffer | undefined;
  const edit = () => {
    changed ??= Buffer.from(bytes);
    return changed;
  };
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const walk = (from: number, to: number) => {
    let at = from;
    while (at + 8 <= to) {
      const size32 = view.readUInt32BE(at);
      const isLarge = size32 === 1 && at + 16 <= to;
      const header = isLarge ? 16 : 8;
      const size = isLarge ? Number(view.readBigUInt64BE(at + 8)) : size32 === 0 ? to - at : size32;
      if (size < header || at + size > to) return;
      const type = view.toString('latin1', at + 4, at + 8);
      if (type === 'ftyp' && view.toString('latin1', at + 8, at + 12) === 'avis')
        edit().write('avif', at + 8, 'latin1');
      const inner = containers.get(type);
      if (inner !== undefined) walk(at + header + inner, at + size);
      // Properties are referred to by their position, so none can be removed: each becomes a rotation by 0.
      if (transforms.has(type)) {
        edit().write('irot', at + 4, 'latin1');
        edit().fill(0, at + header, at + size);
      }
      at += size;
    }
  };
  walk(0, view.length);
  return changed ?? bytes;
}
