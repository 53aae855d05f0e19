import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { SingleScore } from '../../../testing/client.ts';
import { photoNames, readPhoto } from '../../../testing/images/host.ts';
import { useService } from '../../support/running-service.ts';
import { startVls, vls } from '../../support/vls.ts';

const running = useService();
const photo = (name: string) => fileURLToPath(new URL(`../../../examples/photos/${name}`, import.meta.url));

let directory: string;
let env: Record<string, string>;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-commands-'));
  env = { VLS_URL: running.service.url, DATA_DIR: join(directory, 'data') };
});
afterAll(() => rm(directory, { recursive: true }));

const expected = async (name: string, text: string): Promise<number> =>
  (await running.client.single<SingleScore>({ image: { base64: readPhoto(name).toString('base64') }, text })).body
    .score;

describe('vls score', () => {
  test.each([
    ['an address', () => [running.host.url('chelsea.jpg')], undefined],
    ['a file', () => [photo('chelsea.jpg')], undefined],
    ['stdin', () => ['-'], readPhoto('chelsea.jpg')],
    ['a file, without a service', () => [photo('chelsea.jpg'), '--offline', '--url', 'http://127.0.0.1:1'], undefined],
  ])('gives the score of the API for %s', async (_what, args, input) => {
    const [image = '', ...flags] = args();
    const { code, stdout } = await vls(['score', image, 'a cat', '--json', ...flags], { env, ...(input && { input }) });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      score: await expected('chelsea.jpg', 'a cat'),
      receipt: { model: 'compact-1' },
    });
  });

  test('has a line for each text, without colours where there is no terminal, or in a file', async () => {
    const { stdout } = await vls(['score', photo('coffee.jpg'), 'a cup of coffee', 'a cat'], { env });
    expect(stdout).toMatch(/^SCORE +TEXT\n +\d+\.\d\d +a cup of coffee\n +\d+\.\d\d +a cat\ncompact-1, .*\n$/);
    const out = join(directory, 'score.txt');
    const written = await vls(['score', photo('coffee.jpg'), 'a cup of coffee', 'a cat', '--out', out], { env });
    expect(written).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await readFile(out, 'utf8')).toBe(stdout);
    const asJson = join(directory, 'score.json');
    await vls(['score', photo('coffee.jpg'), 'a cat', '--out', asJson], { env });
    expect(JSON.parse(await readFile(asJson, 'utf8'))).toMatchObject({ score: expect.any(Number) });
  });

  test('without a service names the flag of an unknown model', async () => {
    const { code, stderr } = await vls(['score', photo('coffee.jpg'), 'a cat', '--offline', '--model', 'none'], {
      env,
    });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('The model none (--model) is in no registry file'),
    });
  });
});

describe('a damaged image', () => {
  const broken = readPhoto('chelsea.jpg').subarray(0, 3_000);

  test.each([
    ['score, by its file', (file: string) => ['score', file, 'a cat']],
    ['score, as stdin', () => ['score', '-', 'a cat']],
    ['score without a service, by its file', (file: string) => ['score', file, 'a cat', '--offline']],
    ['rank, by its file', (file: string) => ['rank', '--image', file, 'a cat', 'a dog']],
    ['rank of images, by the file of the first', (file: string) => ['rank', '--text', 'a cat', file, file]],
  ])('is named in the error of %s', async (_what, args) => {
    const file = join(directory, 'broken.jpg');
    await writeFile(file, broken);
    const given = args(file);
    const name = given.includes('-') ? 'stdin' : file;
    const { code, stderr } = await vls(given, { env, input: broken });
    expect(code).toBe(1);
    expect(stderr).toContain(`error ${name}: The JPEG is damaged or cut off`);
  });
});

describe('vls rank', () => {
  test('ranks texts for an image, those of a file too', async () => {
    const labels = join(directory, 'labels.txt');
    await writeFile(labels, 'a cup of coffee\n\nboats\n');
    const args = ['rank', '--image', photo('rocket.jpg'), 'a rocket on a launch pad', '--labels', labels];
    const { code, stdout } = await vls(args, { env });
    expect(code).toBe(0);
    expect(stdout.split('\n')[1]).toMatch(/% {2}a rocket on a launch pad$/);
    expect(stdout).toContain('boats');
  });

  test('ranks images for a text; one that fails is named, and the command ends with 4', async () => {
    const args = [
      'rank',
      '--text',
      'a cat',
      photo('coffee.jpg'),
      photo('chelsea.jpg'),
      running.host.url('missing.jpg'),
    ];
    const { code, stdout } = await vls(args, { env });
    expect(code).toBe(4);
    expect(stdout.split('\n')[1]).toContain('chelsea.jpg');
    expect(stdout).toMatch(/image\.fetch\.http_status .*missing\.jpg/);
  });
});

describe('batches of the service', () => {
  const post = async (count: number, path: (index: number) => string) => {
    const items = Array.from({ length: count }, (_, index) => ({
      id: `i${index}`,
      image: running.host.url(path(index)),
      text: 'a cat',
    }));
    return (await running.client.batch.post(items)).body.id;
  };

  test('are listed, watched to their end, read and tried again', async () => {
    running.host.failing = true;
    const id = await post(10, (index) => (index < 4 ? 'later/coffee.jpg' : 'rocket.jpg'));
    const watched = await vls(['watch', id], { env });
    expect(watched).toMatchObject({
      code: 4,
      stdout: expect.stringMatching(/completed_with_errors, 6 scored, 4 failed/),
    });
    const listed = await vls(['batches'], { env });
    expect(listed.stdout).toMatch(new RegExp(`${id} +completed_with_errors +10 +4 +100 %`));

    const failed = await vls(['results', id, '--status', 'failed', '--json'], { env });
    const lines = failed.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ id }) => id)).toEqual(['i0', 'i1', 'i2', 'i3']);
    expect(lines[0]).toMatchObject({ text: 'a cat', image: running.host.url('later/coffee.jpg') });
    const out = join(directory, 'results.csv');
    for (const file of [out, out.replace('.csv', '.parquet')]) {
      expect((await vls(['results', id, '--out', file], { env })).stderr).toContain(`${file}: 10 rows, `);
    }
    const api = await running.client.call<string>(`/v1/evaluation/batch/${id}/results`, {
      headers: { accept: 'text/csv' },
    });
    expect(await readFile(out, 'utf8')).toBe(api.body);

    running.host.failing = false;
    const retried = await vls(['retry', id], { env });
    const [, child = ''] = /^batch (\S+) has 4 items: the failed items that may succeed$/m.exec(retried.stdout) ?? [];
    expect(retried.stdout).toContain(
      `vls.js results ${child} --out retried-${child.slice(0, 8)}.csv\` writes the new scores. The column retry_of_index of the file is the index in the results of batch ${id}.`,
    );
    expect(retried.stdout).toContain(`Batch ${id} and the files with its scores stay unchanged.`);
    expect((await vls(['watch', child, '--quiet'], { env })).code).toBe(0);
    const events = await vls(['watch', child, '--events'], { env });
    expect(JSON.parse(events.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
      event: 'end',
      data: { state: 'completed' },
    });
  });

  test('are cancelled while they are watched, and the one who watches ends with 1', async () => {
    running.host.hold();
    onTestFinished(() => running.host.release());
    const id = await post(500, (index) => `${index < 100 ? '' : 'held/'}${photoNames[index % 6]}?c${index}`);
    const watching = startVls(['watch', id], { env });
    await watching.prints(/\d of 500/);
    const cancelled = await vls(['cancel', id], { env });
    expect(cancelled).toMatchObject({ code: 0, stdout: expect.stringContaining('cancelled') });
    expect(cancelled.stdout).not.toContain('had already ended');
    expect(await watching.ended).toMatchObject({ code: 1, stdout: expect.stringContaining('cancelled') });
    const again = await vls(['cancel', id], { env });
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('it had already ended') });

    const changed = await vls(['change', id, '--name', 'New', '--tag', 'a', 'b', '--retention', '240'], { env });
    const { expiresAt } = (await running.client.call<BatchStatus>(`/v1/evaluation/batch/${id}`)).body;
    const until = expiresAt?.slice(0, 19).replace('T', ' ');
    expect(changed.stdout).toContain(`\n  name: New\n  tags: a, b\n  stored until ${until} UTC\n`);
  });

  test('that are not there are said so, with what to do', async () => {
    const { code, stderr } = await vls(['watch', 'nothing'], { env });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('node cli/vls.js batches') });
  });
});

test('vls bench prints times and items a second of singles and of a batch', async () => {
  const { code, stdout } = await vls(['bench', '--seconds', '1', '--items', '12', '--json'], { env });
  expect(code).toBe(0);
  const { singles, batch } = JSON.parse(stdout);
  expect(singles).toMatchObject({ failed: {}, requests: expect.any(Number) });
  expect(singles.requests).toBeGreaterThan(0);
  expect(singles.p95).toBeGreaterThanOrEqual(singles.p50);
  expect(batch).toMatchObject({ items: 12, failed: 0 });
});

/** A server that is not the service, or not always. */
async function serve(listener: RequestListener): Promise<{ url: string; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    request.resume();
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}
const problem = (code: string, detail: string) => JSON.stringify({ code, detail });
const asProblem = { 'content-type': 'application/problem+json' };

describe('a service', () => {
  test('that is not there ends the command with 3, and the advice to start it', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const { code, stderr } = await vls(['batches', '--url', `http://127.0.0.1:${port}`]);
    expect(code).toBe(3);
    expect(stderr).toContain('ECONNREFUSED');
    expect(stderr).toMatch(/`.*vls(\.js)? start` runs it on this machine/);
  });

  test.for<[args: string[], exit: number, message: string]>([
    // A port that fetch refuses, as a name without an address, a server without TLS, and one that does not speak HTTP.
    [['watch', 'some-batch', '--url', 'http://127.0.0.1:6000'], 3, 'HTTP clients refuse this port'],
    [['watch', 'some-batch', '--url', 'http://nobody.invalid'], 3, 'no name server'],
    [['watch', 'some-batch', '--url', 'https://PLAIN'], 3, 'the server at this port does not use TLS'],
    [['batches', '--url', 'http://SPEAKER'], 3, 'does not speak HTTP'],
    [['watch', 'some-batch', '--url', 'http://127.0.0.1:0'], 2, 'expected an http or https address, such as'],
    [['batches', '--url', 'http://127.0.0.1:99999'], 2, 'expected an http or https address, such as'],
    [['batches', '--url', 'ftp://127.0.0.1'], 2, 'expected an http or https address, such as'],
    [['batches', '--url', 'http://127.0.0.1:8000/?x=1'], 2, 'expected an http or https address, such as'],
    [
      ['batches', '--url', 'http://me:hidden@127.0.0.1:8000'],
      2,
      'without user name or password; put the API key in VLS_API_KEY',
    ],
  ])('at an address that cannot work ends %j at once with %d', async ([args, exit, message]) => {
    const plain = createServer().listen(0, '127.0.0.1');
    const speaker = createTcpServer((socket) => socket.on('error', () => {}).end('-ERR unknown command\r\n'));
    speaker.listen(0, '127.0.0.1');
    await Promise.all([once(plain, 'listening'), once(speaker, 'listening')]);
    onTestFinished(() => void [plain.close(), speaker.close()]);
    const authority = (server: Server) => `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const here = args.map((word) => word.replace('PLAIN', authority(plain)).replace('SPEAKER', authority(speaker)));
    const { code, stdout, stderr } = await vls(here);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' });
    expect(stderr.match(/error /g)).toHaveLength(1);
    expect(stderr).not.toContain('hidden');
  });

  test('that asks for a delay is retried after it', async () => {
    const { url, requests } = await serve((_request, response) => {
      if (requests.length === 1)
        response.writeHead(503, { ...asProblem, 'retry-after': '1' }).end(problem('overloaded', 'too much'));
      else response.writeHead(200, { 'content-type': 'application/json' }).end('{"batches":[],"next":null}');
    });
    const { code, stdout, stderr } = await vls(['batches'], { env: { VLS_URL: url } });
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'There are no batches.\n',
      stderr: 'waiting too much; retry in 1 s\n',
    });
    expect(requests).toHaveLength(2);
  });

  test('gets the key as a bearer, and the key is never printed', async () => {
    const { url, requests } = await serve((_request, response) =>
      response.writeHead(401, asProblem).end(problem('auth.required', 'no such key')),
    );
    const secret = 'vls_a-secret-that-nobody-sees';
    const fromEnv = await vls(['batches'], { env: { VLS_URL: url, VLS_API_KEY: secret } });
    const fromFlag = await vls(['batches', '--key', secret, '--json'], { env: { VLS_URL: url } });
    const wrong = await vls(['batches', '--key', `${secret} `], { env: { VLS_URL: url } });
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${secret}`, `Bearer ${secret}`]);
    expect([fromEnv.code, fromFlag.code, wrong.code]).toEqual([1, 1, 2]);
    expect(fromEnv.stderr).toContain('VLS_API_KEY');
    for (const { stdout, stderr } of [fromEnv, fromFlag, wrong]) expect(`${stdout}${stderr}`).not.toContain(secret);
  });

  test('that leads elsewhere does not get the key there', async () => {
    const other = await serve((_request, response) => response.end('{}'));
    const { url } = await serve((_request, response) => response.writeHead(308, { location: other.url }).end());
    const { code, stderr } = await vls(['batches', '--key', 'k'], { env: { VLS_URL: url } });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(other.url) });
    expect(other.requests).toEqual([]);
  });

  test('that goes away while a batch is watched is asked for what came after the last event', async () => {
    const status = { id: 'b', state: 'completed', failures: {}, reason: null };
    const counts = (succeeded: number) => ({
      items: { total: 4, succeeded, failed: 0, cancelled: 0, pending: 4 - succeeded },
    });
    const event = (id: string, name: string, data: object) =>
      `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
    const { url, requests } = await serve((request, response) => {
      if (request.headers.accept === 'application/json') {
        response.writeHead(200, { 'content-type': 'application/json' });
        return void response.end(JSON.stringify({ ...status, state: 'running', ...counts(1) }));
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      if (request.headers['last-event-id'] === undefined) {
        response.write(event('1-0/0', 'state', { ...status, state: 'running', ...counts(1) }));
        response.write(event('2-0/0', 'progress', counts(2)), () => response.destroy());
      } else response.end(event('3-0/0', 'end', { ...status, ...counts(4) }));
    });
    const { code, stdout } = await vls(['watch', 'b', '--events'], { env: { VLS_URL: url } });
    expect(code).toBe(0);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).event),
    ).toEqual(['state', 'progress', 'end']);
    expect(requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, undefined, '2-0/0']);
  });

  test('that is another program is recognised', async () => {
    const { url } = await serve((_request, response) =>
      response.writeHead(404, { 'content-type': 'text/html' }).end('<p>'),
    );
    const { code, stdout } = await vls(['score', photo('coffee.jpg'), 'a cat', '--json'], { env: { VLS_URL: url } });
    expect(code).toBe(1);
    expect(JSON.parse(stdout).error).toMatchObject({
      code: 'service.unknown',
      advice: expect.stringContaining('--url'),
    });
  });

  test('whose refusal of an upload comes before the end of the upload is heard', async () => {
    const list = join(directory, 'long.ndjson');
    await writeFile(list, '{"image": "https://a.example/1.jpg", "text": "a cat"}\n'.repeat(200_000));
    const { code, stderr } = await vls(['batch', list, '--model', 'nonsense'], { env });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('nonsense') });
  });
});

describe('a command whose reader has gone', () => {
  test.each([
    ['completion', 0, () => ['completion', 'bash']],
    ['help', 0, () => ['--help']],
    ['batches', 0, () => ['batches', '--json']],
    ['batch', 4, () => ['batch', 'examples/pairs.csv', '--out', '-', '--again']],
  ])('ends quietly: %s', async (_what, expected, args) => {
    const running = startVls(args(), { env });
    running.child.stdout?.destroy();
    const { code, stderr } = await running.ended;
    expect({ code, stderr }).toEqual({ code: expected, stderr: expect.not.stringContaining('EPIPE') });
  });

  test('stops to follow a batch', async () => {
    running.host.hold();
    onTestFinished(() => running.host.release());
    const items = Array.from({ length: 3 }, (_, index) => ({
      image: running.host.url(`${index === 0 ? '' : 'held/'}coffee.jpg?gone${index}`),
      text: 'a cat',
    }));
    const { id } = (await running.client.batch.post(items)).body;
    const watching = startVls(['watch', id, '--events'], { env });
    watching.child.stdout?.destroy();
    expect(await watching.ended).toMatchObject({ code: 130, stderr: '' });
  });
});

describe('vls completion', () => {
  test.each([
    ['vls ba', 'batch batches'],
    ['vls models p', 'pull'],
    ['vls traffic pro', 'promote'],
    ['vls --json watch --ev', '--events'],
    ['vls batch pairs.csv --image-', '--image-column'],
  ])('completes %s in bash', async (line, words) => {
    const { stdout } = await vls(['completion', 'bash']);
    const typed = line.split(' ');
    const script = `${stdout}\nCOMP_WORDS=(${typed.join(' ')}); COMP_CWORD=${typed.length - 1}; _vls; echo "\${COMPREPLY[@]}"`;
    expect(execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim()).toBe(words);
  });

  test('has scripts for zsh and fish too, and for no other shell', async () => {
    expect((await vls(['completion', 'zsh'])).stdout).toMatch(/^#compdef vls\n[\s\S]*'batch:Score a file/);
    expect((await vls(['completion', 'fish'])).stdout).toContain("-f -a 'batch' -d 'Score a file");
    expect((await vls(['completion', 'tcsh'])).code).toBe(2);
  });
});

test('help names every command, and a command that is mistyped is guessed', async () => {
  const { code, stdout } = await vls(['--help']);
  expect(code).toBe(0);
  for (const name of [
    'score',
    'rank',
    'batch',
    'watch',
    'batches',
    'cancel',
    'retry',
    'results',
    'models',
    'traffic',
    'bench',
    'start',
  ]) {
    expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
  }
  const { code: wrong, stderr } = await vls(['wach', 'x']);
  expect({ wrong, stderr }).toEqual({ wrong: 2, stderr: expect.stringContaining('watch') });
});

test('vls start runs the service, and Ctrl-C drains it', async () => {
  const started = startVls(['start', '--data-dir', join(directory, 'start')], {
    env: { PORT: '0', LOG_LEVEL: 'error' },
  });
  await started.prints(/Page +http/);
  started.child.kill('SIGINT');
  expect((await started.ended).code).toBe(0);
});
