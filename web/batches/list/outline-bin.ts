/** The width of a bin of the histogram that a list has, in points, as in the contract. */
export const outlineBin = 2;
