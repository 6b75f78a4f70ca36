import { createServer, type Server } from 'node:http';
import type { Registry } from '@prometheus-io/client';

export interface Health {
  /** Event loop alive; never asks NATS, so that a partition restarts nothing. */
  ready(): boolean;
}

/** Serves `/metrics`, `/livez` and `/readyz`; resolves when it listens. */
export async function serveMetrics(
  registry: Registry,
  health: Health,
  options: { port: number; host?: string },
): Promise<Server> {
  const server = createServer((request, response) => {
    void answer(registry, health, request.url ?? '').then(([status, type, body]) => {
      response.writeHead(status, { 'content-type': type }).end(body);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host ?? '127.0.0.1', resolve);
  });
  return server;
}

async function answer(registry: Registry, health: Health, url: string): Promise<[number, string, string]> {
  if (url === '/metrics') return [200, registry.contentType, await registry.metrics()];
  if (url === '/livez') return [200, 'text/plain', 'ok\n'];
  if (url === '/readyz') return health.ready() ? [200, 'text/plain', 'ok\n'] : [503, 'text/plain', 'not ready\n'];
  return [404, 'text/plain', 'not found\n'];
}
