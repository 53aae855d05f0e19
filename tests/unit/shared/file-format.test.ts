import { expect, test } from 'vitest';
import { describeNonImage, fileFormat } from '../../../shared/file-format.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

test.each([
  ['JPEG', '\xff\xd8\xff\xe0'],
  ['PNG', '\x89PNG\r\n\x1a\n'],
  ['GIF', 'GIF87a'],
  ['WebP', 'RIFF\0\0\0\0WEBPVP8 '],
  ['TIFF', 'II*\0'],
  ['TIFF', 'MM\0+'],
  ['AVIF', '\0\0\0\x20ftypavis'],
  ['HEIF', '\0\0\0\x20ftypheic'],
])('%s is decoded', (name, head) => {
  expect(fileFormat(bytes(head))).toEqual({ name, isDecoded: true });
});

test.each([
  ['JPEG XL', '\xff\x0a\xfa\x1f'],
  ['JPEG XL', '\0\0\0\x0cJXL \r\n\x87\n'],
  ['JPEG 2000', '\0\0\0\x0cjP  \r\n\x87\n'],
  ['JPEG 2000', '\xff\x4f\xff\x51'],
  ['BMP', 'BM6\0'],
  ['Windows icon', '\0\0\x01\0\x01\0\x10\x10'],
  ['MP4 or QuickTime video', '\0\0\0\x18ftypmp42'],
  ['PDF', '%PDF-1.7'],
  ['SVG', '<?xml version="1.0" encoding="UTF-8"?>\n<!-- made by hand -->\n<svg xmlns="http://www.w3.org/2000/svg">'],
  ['SVG', '<svg width="1"/>'],
  ['HTML', '\n<!DOCTYPE html><html>'],
  ['HTML', '\xef\xbb\xbf<html lang="en">'],
  ['XML', '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'],
  ['JSON', '{"error":"gone"}'],
  ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:0'],
])('%s is named, and not decoded', (name, head) => {
  expect(fileFormat(bytes(head))).toEqual({ name, isDecoded: false });
});

test.each(['', 'plain text', '\0\0\x02\0\0\0\0\0', 'BA', 'RIFF\0\0\0\0AVI '])('%j has no known format', (head) => {
  expect(fileFormat(bytes(head))).toBeUndefined();
});

test('the message names the format', () => {
  expect(describeNonImage(bytes('BM'))).toBe('Found BMP; supported formats: JPEG, PNG, WebP, GIF, AVIF and TIFF');
  expect(describeNonImage(bytes('hello'))).toMatch(/^Found no known format; supported/);
  expect(describeNonImage(bytes(''))).toBe('The image is empty (0 bytes)');
});
