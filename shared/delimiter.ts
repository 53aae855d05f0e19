/** The maximum length of a separator of columns in UTF-16 units. */
export const maxDelimiterLength = 4;

/** Returns true if a text can separate the columns of CSV and TSV. */
export const isDelimiter = (text: string): boolean =>
  text.length >= 1 && text.length <= maxDelimiterLength && !/["\r\n]/.test(text);

export const delimiterExpected = 'one to four characters without quotes and line breaks, such as ";" or "||"';
