import { describe, expect, test } from 'vitest';
import {
  codeNames,
  codes,
  isCode,
  itemError,
  maxFaults,
  maxItemMessage,
  ServiceError,
  toItemError,
} from '../../../shared/errors.ts';

describe('the codes', () => {
  test('of the contract all exist', () => {
    for (const code of [
      'image.fetch.http_status',
      'image.fetch.timeout',
      'image.fetch.unknown_host',
      'image.fetch.dns',
      'image.fetch.blocked_address',
      'image.too_large',
      'image.unsupported_format',
      'image.corrupt',
      'image.too_many_pixels',
      'text.empty',
      'text.too_long',
      'item.invalid',
      'model.unavailable',
      'internal.poison',
      'internal',
      'cancelled',
    ]) {
      expect(isCode(code), code).toBe(true);
    }
  });

  test.each([
    ['image.fetch.timeout', 504],
    ['image.fetch.http_status', 422],
    ['image.fetch.unavailable', 502],
    ['model.unavailable', 503],
    ['overloaded', 503],
    ['queue.unavailable', 503],
    ['request.invalid', 400],
    ['request.malformed_json', 400],
    ['request.too_large', 413],
    ['batch.empty', 422],
    ['batch.not_found', 404],
  ] as const)('%s ends a request with %i', (code, status) => {
    expect(codes[code].status).toBe(status);
  });

  test('of images, texts and items end a request with 422, where the image host is not to blame', () => {
    const hostFaults = ['image.fetch.timeout', 'image.fetch.http_status', 'image.fetch.unavailable'];
    const others = codeNames.filter((code) => /^(image|text|item)\./.test(code) && !hostFaults.includes(code));
    expect(others.length).toBeGreaterThan(10);
    for (const code of others) expect(codes[code].status, code).toBe(422);
  });

  test('that say "later" with 503 are retryable, and refusals with 400, 403, 404, 405, 413, 415 and 421 are not', () => {
    for (const code of codeNames) {
      const { status, retryable } = codes[code];
      if (status === 503) expect(retryable, code).toBe(true);
      if ([403, 404, 405, 413, 415, 421].includes(status)) expect(retryable, code).toBe(false);
    }
  });

  test('have a title that is not the code, without a full stop', () => {
    for (const code of codeNames) expect(codes[code].title, code).toMatch(/^[A-Z][^.]+[^.]$/);
  });
});

describe('isCode', () => {
  test.each(['toString', '__proto__', 'constructor', '', 'image', 'IMAGE.CORRUPT', null, undefined, 7, {}])(
    '%j is no code',
    (value) => {
      expect(isCode(value)).toBe(false);
    },
  );

  test('every listed code is one', () => {
    expect(codeNames.every(isCode)).toBe(true);
  });
});

describe('a ServiceError', () => {
  test('has its code, its message and its details', () => {
    const cause = new Error('ECONNRESET');
    const faults = [{ path: 'items[3].image', message: 'is missing' }];
    const error = new ServiceError('request.invalid', 'One item is wrong', { cause, retryAfter: 2, faults });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'ServiceError',
      code: 'request.invalid',
      message: 'One item is wrong',
      cause,
      retryAfter: 2,
      faults,
    });
  });

  test('has no cause when it was given none', () => {
    expect(new ServiceError('internal', 'failed')).not.toHaveProperty('cause');
    expect(new ServiceError('internal', 'failed', { cause: undefined })).not.toHaveProperty('cause');
  });
});

describe('whatever a stranger sends', () => {
  const long = 'x'.repeat(4_000_000);

  test('the message and the faults of a failure are short', () => {
    const faults = Array.from({ length: 100_000 }, () => ({ path: long, message: long }));
    const error = new ServiceError('request.invalid', long, { faults });
    expect(error.message).toHaveLength(1_000);
    expect(error.faults).toHaveLength(maxFaults);
    expect(JSON.stringify(error.faults).length).toBeLessThan(12_000);
  });

  test('the message of an item is short, and half a surrogate pair does not end it', () => {
    expect(itemError('image.fetch.dns', long).message).toHaveLength(maxItemMessage);
    const { message } = toItemError(new Error(`${'x'.repeat(maxItemMessage - 2)}😀😀`));
    expect(message).toHaveLength(maxItemMessage);
    expect(message.isWellFormed()).toBe(true);
  });
});

describe('the failure on an item', () => {
  test('has the code, the message and whether to retry', () => {
    expect(toItemError(new ServiceError('image.fetch.timeout', 'too late'))).toEqual({
      code: 'image.fetch.timeout',
      message: 'too late',
      retryable: true,
    });
    expect(itemError('image.corrupt', 'damaged')).toEqual({
      code: 'image.corrupt',
      message: 'damaged',
      retryable: false,
    });
  });

  test.each([
    ['an error without a code', new TypeError('x is undefined'), 'x is undefined'],
    ['an error whose code is of another world', Object.assign(new Error('gone'), { code: 'image.corrupt' }), 'gone'],
    ['a string', 'gone', 'gone'],
    ['nothing', undefined, 'undefined'],
  ])('is internal for %s', (_what, thrown, message) => {
    expect(toItemError(thrown)).toEqual({ code: 'internal', message, retryable: true });
  });
});
