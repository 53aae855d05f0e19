/** The width of a bin in the histograms of the list, as a score (0 to 100). The API uses the same width. */
export const outlineBin = 2;
