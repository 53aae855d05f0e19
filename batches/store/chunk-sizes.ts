/** A chunk is complete at this number of items or of bytes. */
export const chunkItems = 64;
export const chunkBytes = 4 * 1024 * 1024;

/** Each batch starts with `count` small chunks, so that a small batch can occupy all encoders. */
export const smallChunks = { count: 32, items: 4 };

/** Returns the maximum number of items in a chunk. */
export const itemsOfChunk = (chunk: number): number => (chunk < smallChunks.count ? smallChunks.items : chunkItems);
