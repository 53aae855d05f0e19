/**
 * The number of items, and the number of bytes of items, at which a chunk is complete. The limit that is reached first
 * applies.
 */
export const chunkItems = 64;
export const chunkBytes = 4 * 1024 * 1024;

/** The first chunks of a batch are small, so that a small batch spreads over all encoders. */
export const smallChunks = { count: 32, items: 4 };

/** Returns the number of items at which a chunk is complete. */
export const itemsOfChunk = (chunk: number): number => (chunk < smallChunks.count ? smallChunks.items : chunkItems);
