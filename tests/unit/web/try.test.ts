import { expect, test } from 'vitest';
import { readPhoto } from '../../../testing/images/host.ts';
import { answered } from '../../../web/http/answered.ts';
import { imageFault } from '../../../web/try/image-fault.ts';
import { captionsOf, isSameRequest } from '../../../web/try/request.ts';

test('a request without an answer fails with the words for it, and other faults and cancellations stay as they are', async () => {
  const failing = (error: Error) => () => Promise.reject(error);
  await expect(answered(failing(new TypeError('Failed to fetch')))).rejects.toMatchObject({
    name: 'RequestFailed',
    status: 0,
    title: 'The service does not answer',
  });
  await expect(answered(failing(new SyntaxError('no JSON')))).rejects.toThrow(SyntaxError);
  await expect(answered(failing(new TypeError('stopped')), AbortSignal.abort())).rejects.toThrow(TypeError);
});

test('a file that is no image is refused by its bytes', async () => {
  const faultOf = (bytes: string | Uint8Array, name: string) =>
    imageFault(new File([typeof bytes === 'string' ? bytes : new Uint8Array(bytes)], name));
  expect(await faultOf(readPhoto('coffee.jpg'), 'coffee.csv')).toBeUndefined();
  expect(await faultOf('image,text\nx,y\n', 'photo.jpg')).toBe(
    'Found no known format; supported formats: JPEG, PNG, WebP, GIF, AVIF and TIFF',
  );
  expect(await faultOf('%PDF-1.7', 'photo.png')).toMatch(/^Found PDF; /);
  expect(await faultOf('', 'photo.png')).toBe('The image is empty (0 bytes)');
});

test('scores are old once the image, a caption or the model differs', () => {
  const [file, other] = [new File(['a'], 'a.jpg'), new File(['a'], 'a.jpg')];
  const request = { image: { file }, texts: ['a cat', 'a cup'], model: '' };
  expect(isSameRequest(request, { ...request, texts: captionsOf(' a cat\n\na cup \n') })).toBe(true);
  expect(isSameRequest(request, { ...request, image: { file: other } })).toBe(false);
  expect(isSameRequest(request, { ...request, image: undefined })).toBe(false);
  expect(isSameRequest(request, { ...request, texts: captionsOf('a cat') })).toBe(false);
  expect(isSameRequest(request, { ...request, model: 'fast' })).toBe(false);
  const byUrl = { ...request, image: { url: 'https://example.org/a.jpg' } };
  expect(isSameRequest(byUrl, { ...byUrl, image: { url: 'https://example.org/a.jpg' } })).toBe(true);
  expect(isSameRequest(byUrl, { ...byUrl, image: { url: 'https://example.org/b.jpg' } })).toBe(false);
});
