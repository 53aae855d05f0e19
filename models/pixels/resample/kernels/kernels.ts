/**
 * The two passes of Pillow's resize on bytes, in AssemblyScript for WebAssembly SIMD; `build.ts` compiles it.
 *
 * A weight has 22 fractional bits, more than the 16 bits that `i32x4.dot_i16x8_s` can multiply. It is stored in two
 * halves, `weight = high * 256 + low`, and each half has its own sum. Sums wrap around at 32 bits, as in Pillow, so the
 * result equals Pillow's in every bit. A dot product multiplies two taps (source pixels with a weight), so weights are
 * stored in pairs of 8 bytes: `high, high, low, low`. A weight of 0 fills an odd last pair. The kernel then reads one
 * pixel after the last tap, for which the caller must leave space.
 *
 * All pointers are byte offsets in the module's memory, which the caller allocates.
 */

/** Half of the lowest bit after the shift by 22, for rounding. */
const half: i32 = 1 << 21;

/**
 * Returns the two pixels at the address `row` as 16-bit values, with values of the same channel adjacent. Index -128 of
 * the shuffle gives 0.
 */
// @ts-ignore: decorator
@inline
function pairs(channels: usize, row: usize): v128 {
  return v128.swizzle(
    v128.load64_zero(row),
    channels == 3
      ? i8x16(0, -128, 3, -128, 1, -128, 4, -128, 2, -128, 5, -128, -128, -128, -128, -128)
      : i8x16(0, -128, 4, -128, 1, -128, 5, -128, 2, -128, 6, -128, 3, -128, 7, -128),
  );
}

/** Combines and rounds four sums of high and low halves, to 32-bit values. */
function total(high: v128, low: v128): v128 {
  return i32x4.shr_s(i32x4.add(i32x4.add(i32x4.shl(high, 8), low), i32x4.splat(half)), 22);
}

/** Stores one pixel in each of four rows. Each store writes 4 bytes; the next pixel overwrites a surplus. */
function storePixels(a: v128, b: v128, c: v128, d: v128, to0: usize, to1: usize, to2: usize, to3: usize): void {
  const bytes = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
  v128.store32_lane(to0, bytes, 0);
  v128.store32_lane(to1, bytes, 1);
  v128.store32_lane(to2, bytes, 2);
  v128.store32_lane(to3, bytes, 3);
}

/**
 * The horizontal pass, four rows at a time.
 * @param channels 3 or 4, constant in each inlined call.
 * @param places two 32-bit values per pixel of a row: the byte offset of its first tap, and its number of pairs of
 * taps.
 * @param weights `stride` bytes per pixel.
 * @param toStride bytes from row to row of the target, with space for 4 bytes at the last pixel: see {@link
 * storePixels}.
 */
// @ts-ignore: decorator
@inline
function narrow(
  channels: usize,
  from: usize,
  fromStride: usize,
  rows: usize,
  to: usize,
  toStride: usize,
  width: usize,
  places: usize,
  weights: usize,
  stride: usize,
): void {
  for (let y: usize = 0; y < rows; y += 4) {
    // With fewer than four rows left, the last one is computed several times.
    const y1 = min(y + 1, rows - 1);
    const y2 = min(y + 2, rows - 1);
    const y3 = min(y + 3, rows - 1);
    let place = places;
    let first = weights;
    for (let x: usize = 0; x < width; x++) {
      const tap = <usize>load<u32>(place);
      let from0 = from + y * fromStride + tap;
      let from1 = from + y1 * fromStride + tap;
      let from2 = from + y2 * fromStride + tap;
      let from3 = from + y3 * fromStride + tap;
      const end = first + ((<usize>load<u32>(place, 4)) << 3);
      let high0 = i32x4.splat(0);
      let high1 = i32x4.splat(0);
      let high2 = i32x4.splat(0);
      let high3 = i32x4.splat(0);
      let low0 = i32x4.splat(0);
      let low1 = i32x4.splat(0);
      let low2 = i32x4.splat(0);
      let low3 = i32x4.splat(0);
      for (let weight = first; weight < end; weight += 8) {
        const high = v128.load32_splat(weight);
        const low = v128.load32_splat(weight, 4);
        const pixels0 = pairs(channels, from0);
        high0 = i32x4.add(high0, i32x4.dot_i16x8_s(pixels0, high));
        low0 = i32x4.add(low0, i32x4.dot_i16x8_s(pixels0, low));
        const pixels1 = pairs(channels, from1);
        high1 = i32x4.add(high1, i32x4.dot_i16x8_s(pixels1, high));
        low1 = i32x4.add(low1, i32x4.dot_i16x8_s(pixels1, low));
        const pixels2 = pairs(channels, from2);
        high2 = i32x4.add(high2, i32x4.dot_i16x8_s(pixels2, high));
        low2 = i32x4.add(low2, i32x4.dot_i16x8_s(pixels2, low));
        const pixels3 = pairs(channels, from3);
        high3 = i32x4.add(high3, i32x4.dot_i16x8_s(pixels3, high));
        low3 = i32x4.add(low3, i32x4.dot_i16x8_s(pixels3, low));
        from0 += 2 * channels;
        from1 += 2 * channels;
        from2 += 2 * channels;
        from3 += 2 * channels;
      }
      const at = to + channels * x;
      storePixels(
        total(high0, low0),
        total(high1, low1),
        total(high2, low2),
        total(high3, low3),
        at + y * toStride,
        at + y1 * toStride,
        at + y2 * toStride,
        at + y3 * toStride,
      );
      place += 8;
      first += stride;
    }
  }
}

export function narrowRgb(
  from: usize,
  fromStride: usize,
  rows: usize,
  to: usize,
  toStride: usize,
  width: usize,
  places: usize,
  weights: usize,
  stride: usize,
): void {
  narrow(3, from, fromStride, rows, to, toStride, width, places, weights, stride);
}

export function narrowRgba(
  from: usize,
  fromStride: usize,
  rows: usize,
  to: usize,
  toStride: usize,
  width: usize,
  places: usize,
  weights: usize,
  stride: usize,
): void {
  narrow(4, from, fromStride, rows, to, toStride, width, places, weights, stride);
}

/**
 * Like {@link narrow}, for one channel. A vector holds two pairs of taps, and the number of pairs per pixel is even.
 */
export function narrowGrey(
  from: usize,
  fromStride: usize,
  rows: usize,
  to: usize,
  toStride: usize,
  width: usize,
  places: usize,
  weights: usize,
  stride: usize,
): void {
  for (let y: usize = 0; y < rows; y++) {
    let place = places;
    let first = weights;
    let at = to + y * toStride;
    for (let x: usize = 0; x < width; x++) {
      let pixel = from + y * fromStride + <usize>load<u32>(place);
      const end = first + ((<usize>load<u32>(place, 4)) << 3);
      let sums = i32x4.splat(0);
      for (let weight = first; weight < end; weight += 16) {
        // Each pair is loaded twice: for the high and the low halves of its weights.
        const pixels = v128.swizzle(
          v128.load32_zero(pixel),
          i8x16(0, -128, 1, -128, 0, -128, 1, -128, 2, -128, 3, -128, 2, -128, 3, -128),
        );
        sums = i32x4.add(sums, i32x4.dot_i16x8_s(pixels, v128.load(weight)));
        pixel += 4;
      }
      const high = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 2);
      const low = i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 3);
      const value = ((high << 8) + low + half) >> 22;
      store<u8>(at, min(max(value, 0), 255));
      at++;
      place += 8;
      first += stride;
    }
  }
}

/**
 * The vertical pass, sixteen columns at a time, for any number of channels.
 * @param from the start of row 0, from which `places` counts. Rows are read up to the next multiple of 16 bytes.
 * @param width bytes per row.
 * @param places two 32-bit values per target row: its first source row, and its number of pairs of source rows.
 * @param toStride a multiple of 16, at least `width`.
 */
export function shorten(
  from: usize,
  fromStride: usize,
  width: usize,
  to: usize,
  toStride: usize,
  rows: usize,
  places: usize,
  weights: usize,
  stride: usize,
): void {
  for (let y: usize = 0; y < rows; y++) {
    const top = from + <usize>load<u32>(places, 0) * fromStride;
    const end = weights + ((<usize>load<u32>(places, 4)) << 3);
    for (let x: usize = 0; x < width; x += 16) {
      let high0 = i32x4.splat(0);
      let high1 = i32x4.splat(0);
      let high2 = i32x4.splat(0);
      let high3 = i32x4.splat(0);
      let low0 = i32x4.splat(0);
      let low1 = i32x4.splat(0);
      let low2 = i32x4.splat(0);
      let low3 = i32x4.splat(0);
      let pixel = top + x;
      for (let weight = weights; weight < end; weight += 8) {
        const high = v128.load32_splat(weight);
        const low = v128.load32_splat(weight, 4);
        const upper = v128.load(pixel);
        const under = v128.load(pixel + fromStride);
        const left = v128.shuffle<u8>(upper, under, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const right = v128.shuffle<u8>(upper, under, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        const pixels0 = i16x8.extend_low_i8x16_u(left);
        high0 = i32x4.add(high0, i32x4.dot_i16x8_s(pixels0, high));
        low0 = i32x4.add(low0, i32x4.dot_i16x8_s(pixels0, low));
        const pixels1 = i16x8.extend_high_i8x16_u(left);
        high1 = i32x4.add(high1, i32x4.dot_i16x8_s(pixels1, high));
        low1 = i32x4.add(low1, i32x4.dot_i16x8_s(pixels1, low));
        const pixels2 = i16x8.extend_low_i8x16_u(right);
        high2 = i32x4.add(high2, i32x4.dot_i16x8_s(pixels2, high));
        low2 = i32x4.add(low2, i32x4.dot_i16x8_s(pixels2, low));
        const pixels3 = i16x8.extend_high_i8x16_u(right);
        high3 = i32x4.add(high3, i32x4.dot_i16x8_s(pixels3, high));
        low3 = i32x4.add(low3, i32x4.dot_i16x8_s(pixels3, low));
        pixel += 2 * fromStride;
      }
      v128.store(
        to + y * toStride + x,
        i8x16.narrow_i16x8_u(
          i16x8.narrow_i32x4_s(total(high0, low0), total(high1, low1)),
          i16x8.narrow_i32x4_s(total(high2, low2), total(high3, low3)),
        ),
      );
    }
    places += 8;
    weights += stride;
  }
}

/** Returns `a * b / 255` for bytes as 16-bit values, rounded like Pillow's `MULDIV255`. */
function share(a: v128, b: v128): v128 {
  const product = i16x8.add(i16x8.mul(a, b), i16x8.splat(128));
  return i16x8.shr_u(i16x8.add(i16x8.shr_u(product, 8), product), 8);
}

/** Returns a pixel's factors: alpha for each colour, and 255 for alpha itself. */
function alphas(pixels: v128): v128 {
  return v128.or(
    v128.swizzle(pixels, i8x16(3, 3, 3, -128, 7, 7, 7, -128, 11, 11, 11, -128, 15, 15, 15, -128)),
    i32x4.splat(0xff000000),
  );
}

/** Multiplies colours by their alpha, in place. @param bytes 4 per pixel, rounded up to a multiple of 16. */
export function multiplyByAlpha(pixels: usize, bytes: usize): void {
  for (const end = pixels + bytes; pixels < end; pixels += 16) {
    const values = v128.load(pixels);
    const factors = alphas(values);
    v128.store(
      pixels,
      i8x16.narrow_i16x8_u(
        share(i16x8.extend_low_i8x16_u(values), i16x8.extend_low_i8x16_u(factors)),
        share(i16x8.extend_high_i8x16_u(values), i16x8.extend_high_i8x16_u(factors)),
      ),
    );
  }
}
