/**
 * Boxes on the path to the item properties, with the bytes between header and first inner box: for `meta`, version and
 * flags.
 */
const containers = new Map([
  ['meta', 4],
  ['iprp', 0],
  ['ipco', 0],
]);

/** Item properties that rotate, mirror or crop. The reference implementation ignores them. */
const transforms = new Set(['irot', 'imir', 'clap']);

/**
 * Disables transformations, which libheif would apply but Pillow does not. Marks image sequences (`avis`), which
 * libvips refuses, as still images of their first frame.
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
      // Other boxes refer to a property by index, so it cannot be removed. A rotation by 0 replaces it.
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
