import { crc32, deflateSync } from 'node:zlib';

type Channel = 1 | 3;

/** Encodes a PNG with 8 bits per channel. Without a library, tests control every pixel and the header. */
export function png(width: number, height: number, pixels: Buffer, channels: Channel = 3): Buffer {
  const stride = width * channels;
  const rows = Array.from({ length: height }, (_, row) =>
    Buffer.concat([Buffer.of(0), pixels.subarray(row * stride, (row + 1) * stride)]),
  );
  return container(header(width, height, channels), deflateSync(Buffer.concat(rows)));
}

/** Makes a PNG whose header states a size, but which contains no pixels. */
export const pngThatClaims = (width: number, height: number): Buffer =>
  container(header(width, height, 3), Buffer.alloc(0));

export const solidPng = (width: number, height: number, rgb: readonly number[]): Buffer =>
  png(width, height, Buffer.alloc(width * height * 3, Buffer.from(rgb)));

function header(width: number, height: number, channels: Channel): Buffer {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data[8] = 8;
  data[9] = channels === 3 ? 2 : 0;
  return data;
}

function container(ihdr: Buffer, idat: Buffer): Buffer {
  const signature = Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  return Buffer.concat([signature, chunk('IHDR', ihdr), chunk('IDAT', idat), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
