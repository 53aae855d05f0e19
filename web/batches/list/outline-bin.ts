/**
 * The width of a bin in the histograms of a list of batches, in points of score (0 to 100). The API has the same width.
 */
export const outlineBin = 2;
