import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { isReady } from './readiness.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const node = { name: 'a', address: '127.0.0.1', root: '' };

function listen(server: Server, where: object): Promise<number> {
  servers.push(server);
  return new Promise((resolve) =>
    server.listen(where, () => resolve((server.address() as AddressInfo | null)?.port ?? 0)),
  );
}

test('a path is ready when it answers 200, and not before', async () => {
  let code = 500;
  const server = createHttpServer((request, response) => {
    response.statusCode = request.url === '/readyz' ? code : 404;
    response.end('no');
  });
  const ready = {
    scheme: 'http',
    port: await listen(server, { host: '127.0.0.1', port: 0 }),
    path: '/readyz',
  } as const;
  await expect(isReady(node, ready, '')).rejects.toThrow('answers 500');
  code = 200;
  expect(await isReady(node, ready, '')).toBe(true);
  await expect(isReady(node, { ...ready, scheme: 'https' }, '')).rejects.toThrow();
});

test('a socket is ready when it takes connections', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ready-'));
  try {
    await expect(isReady(node, { socket: join(folder, 's') }, '')).rejects.toMatchObject({ code: 'ENOENT' });
    await listen(createServer(), { path: join(folder, 's') });
    expect(await isReady(node, { socket: join(folder, 's') }, '')).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});
