import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

/**
 * Serves `/readyz` on all addresses: 200 where `isReady` answers true, else 503. A failure of it, or none yet after a second, is a no.
 * Resolves when it listens.
 */
export async function serveReadiness(port: number, isReady: () => Promise<boolean>): Promise<Server> {
  const server = createServer(({ url }, response) => {
    const late = new Promise<false>((resolve) => setTimeout(resolve, 1000, false).unref());
    const asked = url === '/readyz' ? Promise.race([isReady().catch(() => false), late]) : undefined;
    void Promise.resolve(asked).then((ready) => {
      response.writeHead(ready === undefined ? 404 : ready ? 200 : 503, { 'content-type': 'text/plain' });
      response.end(ready === undefined ? 'not found\n' : ready ? 'ok\n' : 'not ready\n');
    });
  });
  server.listen(port);
  await once(server, 'listening');
  return server;
}
