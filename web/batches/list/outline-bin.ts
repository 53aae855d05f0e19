/** The width of a bin in the histograms of a list of batches, in scores from 0 to 100. The API uses the same. */
export const outlineBin = 2;
