import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import express from 'express';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientGone } from '../../../api/client-gone.ts';
import { createLargeResponses } from '../../../api/large-responses.ts';
import { answerProblems } from '../../../api/middleware/problems.ts';
import { until } from '../../../testing/until.ts';
import { silentLog } from '../../support/silent-log.ts';

/** By default nginx uses HTTP/1.0 for its upstreams, where a response ends with its connection. */
const isInstalled = spawnSync('nginx', ['-v']).error === undefined;
if (!isInstalled) console.warn('Skipped: nginx is not installed (on Debian: apt install nginx-light)');

const rows = 3_001;
/** Long enough that nginx has passed on some rows before the break. */
const row = `${JSON.stringify({ text: 'x'.repeat(500) })}\n`;

/** @param until rows after which reading fails. */
async function* rowsUntil(until: number): AsyncGenerator<string> {
  for (let sent = 0; sent < rows; sent++) {
    if (sent === until) throw new Error('Redis has gone');
    yield row;
  }
}

describe.skipIf(!isInstalled)('a reader behind nginx with its default settings', () => {
  let upstream: Server;
  let nginx: ChildProcess;
  const dir = mkdtempSync(join(tmpdir(), 'vls-nginx-'));
  const socketPath = join(dir, 'nginx.sock');

  beforeAll(async () => {
    const largeResponses = createLargeResponses();
    const app = express().get('/:until', (asked, response) =>
      largeResponses.stream(asked, response, rowsUntil(Number(asked.params.until)), clientGone(response)),
    );
    upstream = createServer(app.use(answerProblems(silentLog()))).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${join(dir, name)};`)
      .join('\n');
    const { port } = upstream.address() as AddressInfo;
    writeFileSync(
      join(dir, 'nginx.conf'),
      `daemon off; master_process off; pid ${join(dir, 'pid')}; error_log ${join(dir, 'error.log')};
      events {}
      http {
        access_log off;
        ${temporary}
        server { listen unix:${socketPath}; location / { proxy_pass http://127.0.0.1:${port}; } }
      }`,
    );
    nginx = spawn('nginx', ['-p', dir, '-e', join(dir, 'error.log'), '-c', join(dir, 'nginx.conf')], {
      stdio: 'inherit',
    });
    await until(() => nginx.exitCode !== null || existsSync(socketPath));
    if (nginx.exitCode !== null) throw new Error('nginx has ended');
  });
  afterAll(async () => {
    if (nginx.exitCode === null) {
      nginx.kill();
      await once(nginx, 'exit');
    }
    upstream.closeAllConnections();
    upstream.close();
    rmSync(dir, { recursive: true, force: true });
  });

  async function read(until: number): Promise<string> {
    const [answer] = (await once(request({ socketPath, path: `/${until}` }).end(), 'response')) as [IncomingMessage];
    return await text(answer);
  }

  test('gets a complete stream', async () => {
    expect((await read(rows)).split('\n')).toHaveLength(rows + 1);
  });

  test('sees the break of a stream that cannot be completed', async () => {
    await expect(read(1_000)).rejects.toThrow('aborted');
  });
});
