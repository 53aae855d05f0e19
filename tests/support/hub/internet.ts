import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Why this machine cannot make certificates, or nothing. */
export function lackForCertificates(): string | undefined {
  const { stdout } = spawnSync('openssl', ['version'], { encoding: 'utf8' });
  return /^OpenSSL [3-9]/.test(stdout ?? '') ? undefined : 'openssl 3 is not here';
}

/** The hub and its mirrors under their real names, behind a proxy, with certificates of an authority of the test. */
export interface Internet {
  /** For HTTPS_PROXY. */
  proxy: string;
  /** For NODE_EXTRA_CA_CERTS. */
  caFile: string;
  /** `host:port` of each CONNECT that the proxy was asked for. */
  connects: string[];
}

/**
 * Serves these hosts over https.
 * @param hosts from the host's name to the address of the server that answers for it.
 */
export async function startInternet(hosts: Record<string, string>): Promise<Internet> {
  const directory = await mkdtemp(join(tmpdir(), 'vls-internet-'));
  const file = (name: string) => join(directory, name);
  const make = (name: string, ...more: string[]) =>
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
        ...['-keyout', file(`${name}.key`), '-out', file(`${name}.crt`), '-subj', `/CN=${name}`, ...more],
      ],
      { stdio: 'ignore' },
    );
  make('ca', '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
  const names = Object.keys(hosts).map((host) => `DNS:${host}`);
  make(
    'server',
    ...['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-addext', `subjectAltName=${names.join()}`],
  );

  const secure = createSecureServer(
    { cert: readFileSync(file('server.crt')), key: readFileSync(file('server.key')) },
    (request, response) => {
      const target = hosts[request.headers.host ?? ''];
      if (target === undefined) return void response.writeHead(421).end();
      const forwarded = httpRequest(`${target}${request.url}`, { method: request.method, headers: request.headers });
      forwarded.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.on('error', () => response.destroy());
        answer.on('aborted', () => response.destroy());
        answer.pipe(response);
      });
      forwarded.on('error', () => response.destroy());
      response.on('close', () => forwarded.destroy());
      request.pipe(forwarded);
    },
  ).listen(0, '127.0.0.1');
  await once(secure, 'listening');
  const { port } = secure.address() as AddressInfo;

  const connects: string[] = [];
  const proxy = createServer((_request, response) => void response.writeHead(400).end());
  proxy.on('connect', ({ url = '' }, client) => {
    connects.push(url);
    if (hosts[url.replace(/:443$/, '')] === undefined) return client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    const server = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      server.pipe(client).pipe(server);
    });
    server.on('error', () => client.destroy());
    client.on('error', () => server.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  onTestFinished(async () => {
    for (const server of [secure, proxy]) {
      server.closeAllConnections();
      server.close();
    }
    await rm(directory, { recursive: true });
  });
  return { proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, caFile: file('ca.crt'), connects };
}
