import { readTar } from './tar/reader.ts';

export const tar = { readStream: readTar };

export { subsetOfTar } from './tar/subset.ts';
