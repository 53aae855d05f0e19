import { once } from 'node:events';
import { type AddressInfo, createServer, Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createAddressGuard } from '../../../images/address-guard.ts';
import { guardedConnector } from '../../../images/guarded-agent.ts';

test("each address of a host gets 2.5 s, because a slow handshake takes more than Node's 250 ms", async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const connect = vi.spyOn(Socket.prototype, 'connect');
  onTestFinished(() => connect.mockRestore());
  const guard = createAddressGuard([`127.0.0.1:${port}`]);
  const connector = guardedConnector(guard, async () => [{ address: '127.0.0.1', family: 4 }], 5_000);
  const target = { hostname: '127.0.0.1', host: `127.0.0.1:${port}`, protocol: 'http:', port: String(port) };
  await new Promise<void>((resolve, reject) => {
    connector(target, (error, socket) => {
      socket?.destroy();
      if (error) reject(error);
      else resolve();
    });
  });
  expect(JSON.stringify(connect.mock.calls)).toContain('"autoSelectFamilyAttemptTimeout":2500');
});
