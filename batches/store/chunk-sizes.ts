/**
 * The maximum number of items in a chunk, and the maximum number of bytes of its items. A chunk is complete when it
 * reaches one of the two limits.
 */
export const chunkItems = 64;
export const chunkBytes = 4 * 1024 * 1024;

/**
 * The number of small chunks at the start of each batch, and the number of items in each of them. They are small so
 * that a small batch can occupy all encoders.
 */
export const smallChunks = { count: 32, items: 4 };

/** Returns the maximum number of items in the chunk with the given number. */
export const itemsOfChunk = (chunk: number): number => (chunk < smallChunks.count ? smallChunks.items : chunkItems);
