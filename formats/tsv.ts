import { readDelimited } from './delimited/reader.ts';
import { createDelimitedWriter } from './delimited/writer.ts';
import type { CreateWriter, ReadStream } from './format.ts';

const readStream: ReadStream = (bytes, options) => readDelimited('TSV', '\t', bytes, options);
const createWriter: CreateWriter = (source, formulas) => createDelimitedWriter('\t', source, formulas);

export const tsv = { readStream, createWriter };
