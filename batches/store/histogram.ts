/** As a cosine. 800 bins cover the range from -1 to 1. */
export const binWidth = 0.0025;
const binCount = 800;

/** The number of fine bins in one coarse bin. Older releases counted in coarse bins. */
export const coarseBins = 4;

/** Returns the bin that contains a cosine, counted from 0. */
export const binOf = (cosine: number): number => Math.min(binCount - 1, Math.floor((cosine + 1) / binWidth + 1e-9));

/** Returns the lower edge of a bin, as a cosine. */
export const binStart = (bin: number): number => Number((bin * binWidth - 1).toFixed(4));
