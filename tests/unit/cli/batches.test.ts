import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { Command } from 'commander';
import { describe, expect, onTestFinished, test } from 'vitest';
import { addBatchesCommands } from '../../../cli/commands/batches.ts';
import { called } from '../../../shared/called.ts';
import { readConfig } from '../../../shared/config.ts';

const counts = { total: 10, succeeded: 6, failed: 4, cancelled: 0, pending: 0 };
const status = {
  id: 'b1',
  name: 'pairs.csv',
  tags: [],
  state: 'completed_with_errors',
  model: 'compact-1',
  items: counts,
  failures: { 'image.fetch.timeout': 3, 'image.corrupt': 1 },
  createdAt: '2026-11-27T19:00:00.000Z',
  finishedAt: '2026-11-27T19:01:00.000Z',
  expiresAt: null,
  reason: null,
  input: null,
  retryOf: null,
  rescoreOf: null,
  texts: 'own',
};

/** Runs a command against a service with the given responses, by method and path. */
async function run(args: string[], responses: Record<string, object>) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url ?? '', 'http://a.test');
    const asked = `${request.method} ${pathname.replace('/evaluator/v1/evaluation', '')}`;
    requests.push(`${asked}${search}`);
    response.end(JSON.stringify(responses[asked]));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const VLS_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  let printed = '';
  const stdout = new PassThrough({ encoding: 'utf8' }) as unknown as NodeJS.WriteStream;
  stdout.on('data', (text: string) => {
    printed += text;
  });
  const program = new Command('vls').exitOverride().configureOutput({ writeErr: () => {} });
  addBatchesCommands(program, {
    terminal: { stdout, stderr: stdout },
    config: () => readConfig({ VLS_URL }),
    offline: () => Promise.reject(new Error('not used')),
    startCommand: undefined,
    findOwnService: undefined,
  });
  const error: (Error & { advice?: string }) | undefined = await program
    .exitOverride()
    .parseAsync(args, { from: 'user' })
    .then(
      () => undefined,
      (thrown) => thrown,
    );
  stdout.end();
  await finished(stdout as unknown as PassThrough);
  return { printed, requests, message: error?.message, advice: error?.advice };
}

/** @param images the images of the results whose images cannot be used. */
async function retry(args: string[], original: object, total: number, images: object[] = [{ image: null }]) {
  const { requests, ...outcome } = await run(['retry', 'b1', ...args], {
    'GET /batch/b1': { ...status, ...original },
    'GET /batch/b1/results': { results: images, next: null },
    'POST /batch/b1/retry': { ...status, id: 'b2', items: { ...counts, total } },
  });
  return { ...outcome, posted: requests.filter((request) => request.startsWith('POST ')) };
}

describe('retry', () => {
  test('scores the failed items that may succeed, and says how the others may be scored', async () => {
    const { posted, printed } = await retry([], {}, 3, [{ image: 'https://a.test/1.jpg' }]);
    expect(posted).toEqual(['POST /batch/b1/retry?retryable=true']);
    expect(printed).toContain(
      [
        'batch b2 has 3 items: the failed items that may succeed',
        '1 failed item would fail again:',
        '  1 image at an address (image.corrupt): replace or restore it at its address.',
        `After that, \`${called} retry b1 --all\` scores all failed items.\n`,
      ].join('\n'),
    );
  });

  test('scores all failed items with --all', async () => {
    const { posted, printed } = await retry(['--all'], {}, 4, [{ image: 'https://a.test/1.jpg' }]);
    expect(posted).toEqual(['POST /batch/b1/retry']);
    expect(printed).toContain('batch b2 has 4 items: all failed items\n');
    expect(printed).not.toMatch(/would fail again|bytes/);
  });

  test('adds the cancelled items with --cancelled', async () => {
    const cancelled = { items: { ...counts, cancelled: 5 } };
    const { posted, printed } = await retry(['--cancelled'], cancelled, 8);
    expect(posted).toEqual(['POST /batch/b1/retry?status=failed%2Ccancelled&retryable=true']);
    expect(printed).toContain('has 8 items: the failed items that may succeed and the cancelled items\n');
    const alone = { items: { ...counts, failed: 0, cancelled: 5 }, failures: {} };
    expect((await retry(['--cancelled'], alone, 5)).printed).toContain('has 5 items: the cancelled items\n');
  });

  test('posts nothing if every failed item would fail again, and names the next steps', async () => {
    const lasting = { items: { ...counts, cancelled: 5 }, failures: { 'image.fetch.tls': 4 } };
    const { posted, message, advice } = await retry([], lasting, 0);
    expect(posted).toEqual([]);
    expect(message).toBe('All 4 failed items of batch b1 would fail again unless something has changed');
    expect(advice).toBe(
      [
        '  4 images at addresses (image.fetch.tls): replace or restore them at their addresses.',
        `After that, \`${called} retry b1 --all\` scores all failed items.`,
        `\`${called} retry b1 --cancelled\` scores the cancelled items.`,
      ].join('\n'),
    );
    const none = await retry(['--all'], { items: { ...counts, failed: 0 }, failures: {} }, 0);
    expect([none.message, none.advice]).toEqual(['No item of batch b1 has failed', undefined]);
    const text = await retry([], { items: { ...counts, failed: 1 }, failures: { 'text.empty': 1 } }, 0);
    expect(text.advice).toBe(
      '  1 item that cannot be scored as it is (text.empty): correct the input, and post it again.',
    );
  });

  test('says that it does not read local files again, with --all too', async () => {
    const again = 'run the same command with --again.\n';
    const missing = { failures: { 'image.file.not_found': 3, 'image.fetch.timeout': 1 } };
    expect((await retry([], missing, 1)).printed).toContain(
      `  3 image files (image.file.not_found): replace or restore them, and post them again: with \`${called} batch\`, ${again}Follow it`,
    );
    const sent = [{ image: null, imagePath: 'cut.jpg' }];
    const served = [{ image: null, imagePath: 'cut.jpg', imageFile: true }];
    expect((await retry([], missing, 1, served)).printed).toContain(
      `  3 image files of the service (image.file.not_found): replace or restore them there.\nAfter that, \`${called} retry b1 --all\` scores all failed items.\n`,
    );
    expect((await retry([], {}, 1, sent)).printed).toContain(
      '  1 image file (image.corrupt): replace or restore it, and post it again',
    );
    const mixed = [...sent, { image: 'https://a.test/1.jpg' }];
    const { printed } = await retry([], {}, 1, mixed);
    expect(printed).toContain('  1 unusable image (image.corrupt): correct it. ');
    expect(printed).toContain('scores all failed items. Files that were sent would still fail, too.\n');
    const short = [...sent, { image: null }];
    expect((await retry([], {}, 1, short)).printed).toContain(
      '  1 image file (image.corrupt): replace or restore it, and post it again',
    );
    const note = `A retry uses image bytes that were sent. If you have corrected local files, run the same \`${called} batch\` command with --again.\n`;
    for (const images of [sent, mixed]) expect((await retry(['--all'], {}, 4, images)).printed).toContain(note);
  });

  test('names a file for the new scores that another retry does not use', async () => {
    const { printed } = await run(['retry', 'b1'], {
      'GET /batch/b1': status,
      'GET /batch/b1/results': { results: [], next: null },
      'POST /batch/b1/retry': { ...status, id: '052209f3-5e6f-4711-8000-000000000000' },
    });
    expect(printed).toContain('--out retried-052209f3.csv`');
  });

  describe('after a retry', () => {
    const latestRetry = {
      ...{ ...status, id: 'b0', retryStatus: ['failed'], finishedAt: '2026-11-27T19:02:00.000Z' },
      failures: { 'image.corrupt': 1 },
    };
    const unusable = { results: [{ image: 'https://a.test/1.jpg' }], next: null };
    /** @param latest the fields of the latest retry, by default of all four failed items. */
    async function retryAfter(args: string[], latest: object, { items: more = {}, ...original }: Retried = {}) {
      const { items: latestItems = {}, ...fields } = latest as Retried;
      const retried = { total: 4, succeeded: 3, failed: 1, cancelled: 0, pending: 0, ...latestItems };
      const { requests, ...outcome } = await run(['retry', 'b1', ...args], {
        'GET /batch/b1': { ...status, retriedBy: 'b0', ...original, items: { ...counts, ...more } },
        'GET /batch/b0': { ...latestRetry, ...fields, items: retried },
        'GET /batch/b0/results': unusable,
        'GET /batch/b1/results': unusable,
        'POST /batch/b1/retry': { ...status, id: 'b2', items: { ...counts, total: 4 } },
      });
      return { ...outcome, hasPosted: requests.some((request) => request.startsWith('POST ')) };
    }
    interface Retried extends Record<string, unknown> {
      items?: object;
    }
    const outcome = 'Batch b0 has scored 4 items of batch b1 again: 3 succeeded, 1 failed';
    const rest = [
      '1 failed item would fail again:',
      '  1 image at an address (image.corrupt): replace or restore it at its address.',
      `After that, \`${called} retry b0 --all\` scores all failed items.`,
    ].join('\n');

    test.each([[[]], [['--all']]])('of the same items, %j posts nothing without --again', async (args) => {
      const { hasPosted, message, advice } = await retryAfter(args, {});
      expect({ hasPosted, message }).toEqual({ hasPosted: false, message: outcome });
      const again = [called, 'retry', 'b1', ...args, '--again'].join(' ');
      expect(advice).toBe(`${rest}\n\`${again}\` scores all of them again.`);
      const repeated = await retryAfter([...args, '--again'], {});
      expect(repeated.hasPosted).toBe(true);
      expect(repeated.printed).toContain(`${outcome}.\nbatch b2 `);
    });

    test('that runs, posts nothing and names the command that follows it', async () => {
      const { hasPosted, message, advice } = await retryAfter(['--all'], {
        finishedAt: null,
        items: { succeeded: 0, failed: 0, pending: 4 },
      });
      expect(hasPosted).toBe(false);
      expect(message).toBe('Batch b0 scores 4 items of batch b1 again');
      expect(advice).toBe(
        `\`${called} watch b0\` follows it.\n\`${called} retry b1 --all --again\` scores all of them again.`,
      );
    });

    test('of other items or without a success, posts', async () => {
      const some = await retryAfter(['--all'], { items: { total: 3, succeeded: 3, failed: 0 } });
      expect(some.hasPosted).toBe(true);
      expect(some.printed).toContain(
        'Batch b0 has scored 3 items of batch b1 again: 3 succeeded, 0 failed.\nbatch b2 ',
      );
      expect((await retryAfter([], { retryStatus: ['cancelled'] })).hasPosted).toBe(true);
      expect((await retryAfter(['--cancelled'], {}, { items: { cancelled: 5 } })).hasPosted).toBe(true);
      const none = await retryAfter(['--all'], { items: { succeeded: 0, failed: 4 } });
      expect(none.hasPosted).toBe(true);
      expect(none.printed).not.toContain('b0');
    });

    test('of failed and cancelled items, names the options for both', async () => {
      const both = { retryStatus: ['failed', 'cancelled'], items: { total: 9, cancelled: 5 } };
      const { hasPosted, message, advice } = await retryAfter(['--all', '--cancelled'], both, {
        items: { cancelled: 5 },
      });
      expect(hasPosted).toBe(false);
      expect(message).toMatch(/3 succeeded, 1 failed, 5 cancelled$/);
      expect(advice).toBe(
        `\`${called} retry b0 --cancelled\` scores 5 items that may succeed.\n${rest}\n\`${called} retry b1 --all --cancelled --again\` scores all of them again.`,
      );
    });

    test('has all next steps where it has all failed items', async () => {
      const lasting = { failures: { 'image.fetch.tls': 4 } };
      const { hasPosted, message, advice } = await retryAfter([], {}, lasting);
      expect(hasPosted).toBe(false);
      expect(message).toMatch(/^All 4 failed items of batch b1 would fail again/);
      expect(advice).toBe(`${outcome}.\n${rest}`);
      const continued = await retryAfter([], { retryStatus: ['cancelled'] }, lasting);
      expect(continued.advice).toContain(`After that, \`${called} retry b1 --all\``);
    });
  });

  test('says with --cancelled that no item was cancelled', async () => {
    const none = await retry(['--cancelled'], { items: { ...counts, failed: 0 }, failures: {} }, 0);
    expect(none.message).toBe('No item of batch b1 was cancelled, and none has failed');
    const lasting = await retry(['--cancelled'], { failures: { 'image.corrupt': 4 } }, 0);
    expect(lasting.message).toBe(
      'No item of batch b1 was cancelled, and all 4 failed items would fail again unless something has changed',
    );
  });
});

test('the list names the batch that a retry or a rescored batch scores again', async () => {
  const origin = '1a2b3c4d-5e6f-4711-8000-000000000000';
  const batches = [
    { ...status, retryOf: origin },
    { ...status, retryOf: origin, retryStatus: ['cancelled'] },
    { ...status, rescoreOf: origin },
    { ...status, name: null, rescoreOf: origin, texts: 'others' },
    status,
  ];
  const { printed } = await run(['batches'], { 'GET /batch': { batches, next: null } });
  const names = printed
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/).at(-1));
  expect(names).toEqual([
    'NAME',
    'pairs.csv, 10 retried from 1a2b3c4d',
    'pairs.csv, 10 continued from 1a2b3c4d',
    'pairs.csv, rescore of 1a2b3c4d',
    'wrong pairs of 1a2b3c4d',
    'pairs.csv',
  ]);
});

describe('batches --state', () => {
  test('accepts the words of the page', async () => {
    const { requests } = await run(['batches', '--state', 'Done,arriving'], {
      'GET /batch': { batches: [], next: null },
    });
    expect(requests[0]).toContain('state=completed%2Ccompleted_with_errors%2Caccepting');
  });

  test('refuses another word, and names the option', async () => {
    const { requests, message } = await run(['batches', '--state', 'finished'], {});
    expect(message).toMatch(/option '--state <state,...>' argument 'finished' is invalid. Expected accepting, queued/);
    expect(requests).toEqual([]);
  });
});

describe('an id', () => {
  const id = '052209f3-5e6f-4711-8000-000000000000';
  const listed = (ids: string[], next: string | null = null) => ({
    'GET /batch': { batches: ids.map((each) => ({ ...status, id: each })), next },
    [`GET /batch/${id}`]: { ...status, id },
    [`POST /batch/${id}/retry`]: { ...status, id: 'b2' },
  });

  test('may be shortened to a beginning that is unique', async () => {
    const { requests } = await run(['retry', '052209F3'], listed([id, 'a-name-with-052209f3']));
    expect(requests.at(-1)).toBe(`POST /batch/${id}/retry?retryable=true`);
  });

  test.each([
    [
      'several ids begin so',
      listed([id, '052209f3-0000-4711-8000-000000000000']),
      /^Several batches begin with 052209f3: 0522/,
    ],
    ['later pages may have another one', listed([id], 'more'), /give the whole id$/],
  ])('is refused if %s', async (_why, responses, expected) => {
    const { requests, message } = await run(['retry', '052209f3'], responses);
    expect(message).toMatch(expected);
    expect(requests).toHaveLength(1);
  });
});

describe('results --out', () => {
  test.each(['x.xlsx', 'out.json', 'x', 'x.csv.gz'])('refuses %s as the other commands do', async (out) => {
    const { requests, message } = await run(['results', 'b1', '--out', out], {});
    expect(message).toBe(`The name of the output ${out} does not end in .ndjson, .jsonl, .csv, .tsv or .parquet`);
    expect(requests).toEqual([]);
  });
});

describe('results', () => {
  test.each([
    [['--format', 'ndjson'], '?items=true'],
    [['--out', 'lines.jsonl', '--status', 'failed'], '?status=failed&items=true'],
    [['--format', 'csv'], ''],
    [[], ''],
  ])('with %j have the text and the image in every format', async (args, query) => {
    const directory = await mkdtemp(join(tmpdir(), 'vls-results-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const given = args.map((arg) => (arg === 'lines.jsonl' ? join(directory, arg) : arg));
    const { requests } = await run(['results', 'b1', ...given], { 'GET /batch/b1/results': [] });
    expect(requests.at(-1)).toBe(`GET /batch/b1/results${query}`);
  });
});

test.each(['100000', '0', 'a day'])('a retention of %j hours is refused with its range', async (hours) => {
  const { requests, message } = await run(['change', 'b1', '--retention', hours], {});
  expect(message).toContain('Expected a number of hours from 0.1 to 8760.');
  expect(requests).toEqual([]);
});

test('a batch with images that are neither addresses nor images names the command that sends local files', async () => {
  const mixed = { ...status, failures: { 'image.source_invalid': 1, 'image.corrupt': 3 } };
  const advice = `An image is an http(s) address; \`${called} batch FILE\` also sends local files.`;
  const change = ['change', 'b1', '--name', 'New'];
  expect((await run(change, { 'PATCH /batch/b1': mixed })).printed).toContain(advice);
  expect((await run(change, { 'PATCH /batch/b1': status })).printed).not.toContain(advice);
});
