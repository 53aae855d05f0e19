import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';
import { onTestFinished } from 'vitest';

/** Addresses of a name, or why there are none. */
export type NameAnswer = readonly string[] | 'unknown' | 'failing' | 'silence';

/** A DNS server on loopback that answers by script and ends with the test which started it. */
export interface NameServer {
  /** `address:port` */
  address: string;
  /** Names asked for so far, a name twice for its IPv4 and IPv6 addresses. */
  asked: string[];
}

/** @param answer what a name leads to; `round` counts the questions for this name and kind of address, from 0. */
export async function startNameServer(answer: (name: string, round: number) => NameAnswer): Promise<NameServer> {
  const asked: string[] = [];
  const rounds = new Map<string, number>();
  const socket = createSocket('udp4');
  socket.on('message', (query, peer) => {
    const { name, type, end } = questionOf(query);
    asked.push(name);
    const key = `${name} ${type}`;
    const round = rounds.get(key) ?? 0;
    rounds.set(key, round + 1);
    const found = answer(name, round);
    if (found !== 'silence') socket.send(replyTo(query, type, end, found), peer.port, peer.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return { address: `127.0.0.1:${socket.address().port}`, asked };
}

const typeOf = { 4: 1, 6: 28 } as const;
const headerBytes = 12;

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = headerBytes;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** RFC 1035, 4.1: the question again, and a record for each address of the kind that was asked for. */
function replyTo(query: Buffer, type: number, end: number, answer: Exclude<NameAnswer, 'silence'>): Buffer {
  const addresses = typeof answer === 'string' ? [] : answer;
  const records = addresses.filter((address) => typeOf[isIPv4(address) ? 4 : 6] === type).map(recordOf);
  const header = Buffer.alloc(headerBytes);
  query.copy(header, 0, 0, 2);
  const code = answer === 'unknown' ? 3 : answer === 'failing' ? 2 : 0;
  header.writeUInt16BE(0x8180 | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, query.subarray(headerBytes, end), ...records]);
}

function recordOf(address: string): Buffer {
  const data = isIPv4(address) ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address);
  const record = Buffer.alloc(12);
  // A pointer to the name in the question; class IN; a time to live of 0.
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(data.length === 4 ? typeOf[4] : typeOf[6], 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt16BE(data.length, 10);
  return Buffer.concat([record, data]);
}

function ipv6Bytes(address: string): Buffer {
  // The parser of URLs writes an IPv6 address without dots.
  const [before = '', after] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text = '') => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const [head, tail] = [groups(before), groups(after)];
  const bytes = Buffer.alloc(16);
  for (const [at, group] of head.entries()) bytes.writeUInt16BE(group, 2 * at);
  for (const [at, group] of tail.entries()) bytes.writeUInt16BE(group, 16 - 2 * (tail.length - at));
  return bytes;
}
