import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AppAnswer, HttpError, type Routes, router } from './router.ts';
import { type GuardedState, type Identity, selfCheck } from './self-check.ts';

const maxBodyBytes = 8 << 20;

export interface AppOptions {
  readonly app: string;
  readonly port: number;
  readonly routes: (identity: Identity) => Routes;
  readonly state: GuardedState;
}

export interface RunningApp {
  readonly identity: Identity;
  readonly port: number;
  close(): Promise<void>;
}

/** Serves an app's routes together with `GET /self` and `GET /healthz`; every request moves the identity's counter. */
export async function startApp({ app, port, routes, state }: AppOptions): Promise<RunningApp> {
  const identity: Identity = { app, nonce: randomBytes(16).toString('hex'), bornAt: Date.now(), counter: 0 };
  const find = router({
    'GET /healthz': () => ({ body: { status: 'ok' } }),
    'GET /self': async ({ query }) => ({ body: await selfCheck(identity, state, { pid: process.pid, query }) }),
    ...routes(identity),
  });

  async function answer(request: IncomingMessage): Promise<AppAnswer> {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://app');
    const { handler, params } = find(request.method ?? 'GET', pathname);
    return handler({ params, query, body: await readBody(request) });
  }

  const server = createServer((request, response) => {
    identity.counter += 1;
    answer(request).then(
      (given) => send(response, given),
      (error: unknown) => send(response, refusal(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, resolve);
  });
  return {
    identity,
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()),
  };
}

/**
 * `startApp` for a container's only process: as process 1 it has to ask for SIGTERM and SIGINT to end by them.
 * One line on stdout says that it listens.
 */
export async function runApp(options: AppOptions): Promise<RunningApp> {
  const running = await startApp(options);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0));
  const { app, nonce, bornAt } = running.identity;
  console.log(JSON.stringify({ event: 'listening', app, nonce, bornAt, port: running.port }));
  return running;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new HttpError(413, `expected a body of at most ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refusal(error: unknown): AppAnswer {
  const status = error instanceof HttpError ? error.status : 500;
  if (status === 500) console.error(error);
  return { status, body: { error: error instanceof Error ? error.message : String(error) } };
}

function send(response: ServerResponse, { status = 200, type = 'application/json', body }: AppAnswer): void {
  const payload = body instanceof Uint8Array ? body : `${JSON.stringify(body)}\n`;
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(payload) }).end(payload);
}
