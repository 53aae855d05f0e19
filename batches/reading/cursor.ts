import type { z } from 'zod';
import { ServiceError } from '../../shared/errors.ts';

/** Converts between a position in a list and the text that a client sends back to get the next page. */
export interface Cursor<Place> {
  encode(place: Place): string;
  /** @throws {ServiceError} `request.invalid` for text that this service did not encode. */
  decode(text: string): Place;
}

export function createCursor<Place>(schema: z.ZodType<Place>): Cursor<Place> {
  return {
    encode: (place) => Buffer.from(JSON.stringify(place)).toString('base64url'),
    decode(text) {
      try {
        return schema.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
      } catch (cause) {
        const message = 'The cursor is invalid; send the `next` of the previous page';
        throw new ServiceError('request.invalid', message, { cause, faults: [{ path: 'cursor', message }] });
      }
    },
  };
}
