import { readDelimited } from './delimited/reader.ts';
import { createDelimitedWriter } from './delimited/writer.ts';
import type { CreateWriter, ReadStream } from './format.ts';

const readStream: ReadStream = (bytes, options) => readDelimited('CSV', ',', bytes, options);
const createWriter: CreateWriter = (source, formulas) => createDelimitedWriter(',', source, formulas);

export const csv = { readStream, createWriter };
