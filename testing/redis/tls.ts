import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findRedisServer } from '../../start/redis/find.ts';

const run = promisify(execFile);

/** Returns the reason why this machine cannot run Redis with TLS; undefined if it can. */
export function lackForTls(): string | undefined {
  const openssl = spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout ?? '';
  if (!/^OpenSSL [3-9]/.test(openssl)) return 'openssl 3 is not installed';
  // The server names the first unknown option and exits: `--tls-port` without TLS support, the second option with it.
  const options = ['--tls-port', '0', '--no-such-setting', 'x'];
  const { stdout, stderr } = spawnSync(findRedisServer() ?? 'redis-server', options, { encoding: 'utf8' });
  return /no-such-setting/.test(`${stdout}${stderr}`) ? undefined : 'this Redis was built without TLS';
}

/** Certificates for a test, signed by an authority: for a server at 127.0.0.1 and for a client. */
export interface TestTls {
  /** Value of REDIS_TLS_DIR: the certificates of the authority and the client. */
  directory: string;
  /** Returns the settings of a server that listens on this port with TLS only. */
  settings(port: number): Record<string, string>;
  connection: { tls: { ca: Buffer; cert: Buffer; key: Buffer } };
  remove(): Promise<void>;
}

/** Creates the certificates. @param asksClients true for a server that requires a client certificate. */
export async function createTls(asksClients = false): Promise<TestTls> {
  const directory = await mkdtemp(join(tmpdir(), 'vls-tls-'));
  const file = (name: string) => join(directory, name);
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const make = async (name: string, ...more: string[]) =>
    void (await run('openssl', [
      ...request,
      ...['-keyout', file(`${name}.key`), '-out', file(`${name}.crt`), '-subj', `/CN=${name}`],
      ...more,
    ]));
  await make('ca');
  const byCa = ['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-addext', 'basicConstraints=critical,CA:FALSE'];
  await make('server', ...byCa, '-addext', 'subjectAltName=IP:127.0.0.1');
  await make('tls', ...byCa);
  return {
    directory,
    settings: (port) => ({
      port: '0',
      'tls-port': String(port),
      'tls-ca-cert-file': file('ca.crt'),
      'tls-cert-file': file('server.crt'),
      'tls-key-file': file('server.key'),
      'tls-auth-clients': asksClients ? 'yes' : 'no',
      'tls-replication': 'yes',
      'tls-cluster': 'yes',
    }),
    connection: {
      tls: {
        ca: readFileSync(file('ca.crt')),
        cert: readFileSync(file('tls.crt')),
        key: readFileSync(file('tls.key')),
      },
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
