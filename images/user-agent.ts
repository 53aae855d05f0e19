import { version } from '../shared/version.ts';

export const userAgent = `vision-language-similarity/${version}`;
