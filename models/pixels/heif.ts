/**
 * The HEIF boxes on the path to the item properties: `meta` contains `iprp`, which contains `ipco`, which contains the
 * properties. The value for a box is the number of bytes between its header and its first inner box. Only `meta` has
 * such bytes: four, with its version and flags.
 */
const containers = new Map([
  ['meta', 4],
  ['iprp', 0],
  ['ipco', 0],
]);

/** Item properties that make a decoder rotate, mirror or crop the image. The reference implementation ignores them. */
const transforms = new Set(['irot', 'imir', 'clap']);

/**
 * Disables the transformations in a HEIF file, because libheif would rotate, mirror and crop the image, but Pillow does
 * not. An image sequence (`avis`) is marked as a still image, because libvips refuses sequences; the still image is the
 * primary item of the file, which is the first frame.
 * @returns the same bytes when nothing has to change.
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
      // Other boxes refer to a property by its index, so the property cannot be removed. It is replaced by a rotation
      // by 0.
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
