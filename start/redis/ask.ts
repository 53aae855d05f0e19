import { connect, isIP, type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';

/**
 * Sends commands to Redis over a new connection. Error replies begin with "-". Implements only what PING and INFO need:
 * a client library would make the start 60 ms longer.
 * @param url a socket path, or a redis:// or rediss:// URL, optionally with user and password.
 * @throws the network error if Redis is unreachable or silent for `timeoutMs`.
 */
export async function ask(
  url: string,
  commands: string[][],
  timeoutMs = 2_000,
  tls: ConnectionOptions = {},
): Promise<string[]> {
  const target = new URL(url.startsWith('/') ? `unix://${url}` : url);
  const all = target.password === '' ? commands : [auth(target), ...commands];
  const socket = await open(url, target, tls);
  const tooSlow = setTimeout(() => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    socket.setEncoding('latin1');
    socket.write(all.map(encode).join(''));
    let received = '';
    for await (const chunk of socket) {
      received += chunk;
      const replies = decode(received);
      if (replies.length === all.length) return replies.slice(all.length - commands.length);
    }
    throw new Error('the connection was closed before the reply');
  } finally {
    clearTimeout(tooSlow);
    socket.destroy();
  }
}

async function open(url: string, target: URL, tls: ConnectionOptions): Promise<Socket> {
  if (target.protocol === 'unix:') return connect(url);
  const host = target.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1';
  const port = Number(target.port) || 6379;
  if (target.protocol !== 'rediss:') return connect(port, host);
  const { connect: connectSecurely } = await import('node:tls');
  // The server name of TLS (SNI) must not be an IP address (RFC 6066), about which Node warns.
  return connectSecurely({ host, port, ...(isIP(host) === 0 && { servername: host }), ...tls });
}

function auth({ username, password }: URL): string[] {
  const user = username === '' ? [] : [decodeURIComponent(username)];
  return ['AUTH', ...user, decodeURIComponent(password)];
}

function encode(command: string[]): string {
  return `*${command.length}\r\n${command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`;
}

/** Returns the complete replies at the beginning of the received bytes. */
function decode(received: string): string[] {
  const replies: string[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = received.indexOf('\r\n', at);
    if (lineEnd === -1) return replies;
    const line = received.slice(at, lineEnd);
    at = lineEnd + 2;
    if (line.startsWith('$')) {
      const end = at + Number(line.slice(1));
      if (received.length < end + 2) return replies;
      replies.push(received.slice(at, end));
      at = end + 2;
    } else {
      replies.push(line.startsWith('-') ? line : line.slice(1));
    }
  }
}
