import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerProblems } from '../../../api/middleware/problems.ts';
import { openUpload, readForm } from '../../../api/multipart.ts';
import { silentLog } from '../../support/silent-log.ts';

let server: Server;
beforeAll(async () => {
  const app = express();
  app.post('/form', async (request, response) => {
    const { file, fields } = await readForm(request, 1_000);
    response.json({ file: file && { name: file.name, bytes: file.bytes.length }, fields: [...fields] });
  });
  app.post('/upload', async (request, response) => {
    const { stream, filename, type, contentType } = await openUpload(request);
    let bytes = 0;
    for await (const chunk of stream) bytes += (chunk as Buffer).length;
    response.json({ filename, type, contentType, bytes });
  });
  app.use(answerProblems(silentLog()));
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

type Content = string | Uint8Array;
/** A part of a form: its name, its content, further parameters of its disposition, further headers. */
type PartSent = [name: string, content: Content, parameters?: string, headers?: string];

async function post(path: string, parts: readonly PartSent[]) {
  const boundary = 'a-boundary';
  const body = parts.flatMap(([name, content, parameters = '', headers = '']) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${parameters}\r\n${headers}\r\n`,
      'latin1',
    ),
    Buffer.from(content as string),
    Buffer.from('\r\n'),
  ]);
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, {
    method: 'POST',
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat([...body, Buffer.from(`--${boundary}--\r\n`)]),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const ofType = (type: string) => `Content-Type: ${type}\r\n`;

const encoded: [charset: string, hex: string, text: string][] = [
  ['utf-8', '63 61 66 c3 a9 20 f0 9f 90 88', 'café 🐈'],
  ['UTF8', '63 61 66 c3 a9', 'café'],
  ['iso-8859-1', '63 61 66 e9 20 96 20 80', 'café – €'],
  ['latin1', '63 61 66 e9', 'café'],
  ['windows-1252', '63 61 66 e9 20 96 20 80', 'café – €'],
  ['us-ascii', '61 20 63 61 74', 'a cat'],
  ['iso-8859-2', 'be 6c 75 74 fd 20 6b f9 f2', 'žlutý kůň'],
  ['windows-1250', '9e 6c 75 74 fd 20 6b f9 f2', 'žlutý kůň'],
  ['windows-1251', 'f0 fb e6 e8 e9 20 ea ee f2', 'рыжий кот'],
  ['koi8-r', 'd2 d9 d6 c9 ca 20 cb cf d4', 'рыжий кот'],
  ['iso-8859-5', 'e0 eb d6 d8 d9 20 da de e2', 'рыжий кот'],
  ['iso-8859-7', 'e3 dc f4 e1', 'γάτα'],
  ['windows-1254', '6b 65 64 69 20 f0 fd fe', 'kedi ğış'],
  ['windows-1255', 'e7 fa e5 ec', 'חתול'],
  ['windows-1256', 'de d8 c9', 'قطة'],
  ['windows-1257', '6b 61 ed 69 73', 'kaķis'],
  ['windows-874', 'e1 c1 c7', 'แมว'],
  ['macintosh', '63 61 66 8e', 'café'],
  ['shift_jis', '94 4c 82 aa 82 a2 82 e9', '猫がいる'],
  ['euc-jp', 'c7 ad a4 ac a4 a4 a4 eb', '猫がいる'],
  ['gbk', 'd2 bb d6 bb c3 a8', '一只猫'],
  ['gb18030', 'd2 bb d6 bb c3 a8', '一只猫'],
  ['big5', 'a4 40 b0 a6 bf df', '一隻貓'],
  ['euc-kr', 'b0 ed be e7 c0 cc', '고양이'],
  ['utf-16le', '2b 73 4c 30 44 30 8b 30', '猫がいる'],
  ['utf-16be', '73 2b 30 4c 30 44 30 8b', '猫がいる'],
];
const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('a text field of a form', () => {
  test.each(encoded)('is decoded by the charset of its part: %s', async (charset, hex, text) => {
    const { status, body } = await post('/form', [
      ['text', bytesOf(hex), '', ofType(`text/plain; charset=${charset}`)],
    ]);
    expect({ status, fields: body['fields'] }).toEqual({ status: 200, fields: [['text', [text]]] });
  });

  test.each(encoded)('is decoded by the field _charset_, wherever it stands: %s', async (charset, hex, text) => {
    for (const order of [1, -1]) {
      const parts: PartSent[] = [
        ['_charset_', charset],
        ['text', bytesOf(hex)],
      ];
      const { body } = await post('/form', order === 1 ? parts : parts.toReversed());
      expect(body['fields']).toEqual([['text', [text]]]);
    }
  });

  test('is UTF-8 where nothing says otherwise, with or without a byte order mark', async () => {
    const { body } = await post('/form', [
      ['text', 'café 🐈'],
      ['text', Buffer.from('\uFEFFun café')],
      ['text', ''],
      ['text', 'a \uFFFD sent as such'],
    ]);
    expect(body['fields']).toEqual([['text', ['café 🐈', 'un café', '', 'a \uFFFD sent as such']]]);
  });

  test('keeps the charset of its own part where the form names another', async () => {
    const { body } = await post('/form', [
      ['_charset_', 'koi8-r'],
      ['text', bytesOf('63 61 66 e9'), '', ofType('text/plain; charset="ISO-8859-1"')],
      ['text', bytesOf('cb cf d4')],
    ]);
    expect(body['fields']).toEqual([['text', ['café', 'кот']]]);
  });

  test.each([
    [
      'in Latin-1 without a charset',
      '63 61 66 e9',
      '',
      'text: the byte 0xe9 at character 4 is not UTF-8; send UTF-8, or name the charset',
    ],
    [
      'in Latin-1 as UTF-8',
      '63 61 66 e9',
      ofType('text/plain; charset=utf-8'),
      'the byte 0xe9 at character 4 is not UTF-8',
    ],
    ['cut inside a character', '63 61 66 c3', '', 'the byte 0xc3 at character 4 is not UTF-8'],
    ['with an overlong form', 'c0 af', '', 'the byte 0xc0 at character 1 is not UTF-8'],
    ['with half a surrogate pair', 'ed a0 bd', '', 'the byte 0xed at character 1 is not UTF-8'],
    [
      'in Latin-1 as Shift_JIS',
      '63 61 66 e9',
      ofType('text/plain; charset=shift_jis'),
      'some of its bytes are not shift_jis',
    ],
    [
      'with half a character of UTF-16',
      '2b 73 4c',
      ofType('text/plain; charset=utf-16le'),
      'some of its bytes are not utf-16le',
    ],
  ])('is refused %s', async (_what, hex, headers, detail) => {
    const { status, body } = await post('/form', [['text', bytesOf(hex), '', headers]]);
    expect([status, body['code']]).toEqual([400, 'request.encoding']);
    expect(body['detail']).toContain(detail);
    expect(body['errors']).toMatchObject([{ path: 'text' }]);
  });

  test.each([
    ['an unknown charset of its part', [['text', 'a cat', '', ofType('text/plain; charset=klingon')]]],
    [
      'an unknown charset of the form',
      [
        ['text', 'a cat'],
        ['_charset_', 'klingon'],
      ],
    ],
    ['base64', [['text', 'YSBjYXQ=', '', 'Content-Transfer-Encoding: base64\r\n']]],
    ['quoted-printable', [['text', 'caf=E9', '', 'Content-Transfer-Encoding: quoted-printable\r\n']]],
  ] as [string, PartSent[]][])('is refused with %s', async (_what, parts) => {
    const { status, body } = await post('/form', parts);
    expect([status, body['code']]).toEqual([415, 'request.unsupported_media_type']);
  });
});

describe('a form', () => {
  test('has one file, known by its file name or its type, and keeps its bytes', async () => {
    const image = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0xe9]);
    for (const [parameters, headers] of [
      ['; filename="a.jpg"', ofType('image/jpeg')],
      ['', ofType('application/octet-stream')],
    ] as const) {
      const { body } = await post('/form', [
        ['text', 'a cat'],
        ['image', image, parameters, headers],
      ]);
      expect(body).toEqual({ file: { name: 'image', bytes: 5 }, fields: [['text', ['a cat']]] });
    }
    const file: PartSent = ['image', image, '; filename="a.jpg"'];
    expect((await post('/form', [file, file])).body['detail']).toBe('The form has more than one file');
  });

  test('is bounded in the size of its file and in its fields', async () => {
    const large = await post('/form', [['image', Buffer.alloc(1_001), '; filename="a.jpg"']]);
    expect([large.status, large.body['code']]).toEqual([422, 'image.too_large']);
    const fields: PartSent[] = Array.from({ length: 1_101 }, () => ['text', 'a']);
    expect((await post('/form', fields)).body['detail']).toBe('The form has too many fields');
    expect((await post('/form', fields.slice(1))).status).toBe(200);
  });
});

describe('the file of a batch', () => {
  test('comes with the whole content type of its part', async () => {
    const type = 'text/csv; charset=windows-1252';
    const { body } = await post('/upload', [['file', 'image,text\n', '; filename="a.csv"', ofType(type)]]);
    expect(body).toEqual({ filename: 'a.csv', type: 'text/csv', contentType: type, bytes: 11 });
  });

  test('is refused in base64', async () => {
    const headers = `${ofType('text/csv')}Content-Transfer-Encoding: base64\r\n`;
    const { status } = await post('/upload', [['file', 'aW1hZ2U=', '; filename="a.csv"', headers]]);
    expect(status).toBe(415);
  });
});
