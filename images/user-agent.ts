import { version } from '../shared/version.ts';

/** The user agent in requests to image hosts and webhook receivers. */
export const userAgent = `vision-language-similarity/${version}`;
