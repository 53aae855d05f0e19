import { version } from '../shared/version.ts';

/** The name that this service gives to hosts of images and receivers of webhooks. */
export const userAgent = `vision-language-similarity/${version}`;
