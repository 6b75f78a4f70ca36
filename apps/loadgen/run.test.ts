import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { defaultPatience, type LoadOptions, runLoad } from './run.ts';
import type { Outcome } from './tally.ts';

const closers: (() => void)[] = [];

async function listen(listener: RequestListener, port = 0): Promise<Server & { port: number }> {
  const server = createServer(listener).listen(port, '127.0.0.1');
  closers.push(() => server.close().closeAllConnections());
  await once(server, 'listening');
  return Object.assign(server, { port: (server.address() as AddressInfo).port });
}

const get = (port: number): LoadOptions['call'] => {
  return () => ({ url: `http://127.0.0.1:${port}/`, method: 'GET', body: null });
};

const options = (port: number, more: Partial<LoadOptions> = {}): LoadOptions => ({
  ...defaultPatience,
  call: get(port),
  loop: { kind: 'closed', clients: 4 },
  durationMs: 60_000,
  maxRequests: 40,
  ...more,
});

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

test('the closed loop has as many requests under way as clients, and stops at the count', async () => {
  let now = 0;
  let most = 0;
  const { port } = await listen((_, response) => {
    now += 1;
    most = Math.max(most, now);
    setTimeout(() => {
      now -= 1;
      response.end('x');
    }, 5);
  });
  const summary = await runLoad(options(port));
  expect(summary).toMatchObject({ requests: 40, answered: 40, failed: 0, retried: 0, statuses: { 200: 40 } });
  expect(most).toBe(4);
});

test('the open loop keeps its rate whatever the server does, and counts latency from when a request was due', async () => {
  const { port } = await listen((_, response) => setTimeout(() => response.end('x'), 300));
  const outcomes: Outcome[] = [];
  const loop: LoadOptions['loop'] = { kind: 'open', profile: [{ fromMs: 0, perSecond: 100 }], maxInFlight: 25 };
  const summary = await runLoad(
    options(port, { loop, durationMs: 400, onOutcome: (outcome) => outcomes.push(outcome) }),
  );
  expect(summary.requests).toBe(40);
  expect(summary.errors.EOVERRUN).toBe(summary.failed);
  expect(summary.failed).toBeGreaterThan(0);
  const due = outcomes.map(({ t }) => t).sort((a, b) => a - b);
  expect((due.at(-1) ?? 0) - (due[0] ?? 0)).toBeCloseTo(390, 0);
});

test('a server that dies and comes back loses no request: they are tried again, and the hole is measured', async () => {
  const first = await listen((_, response) => response.end('first'));
  const { port } = first;
  const answers: number[] = [];
  const summary = await runLoad(
    options(port, {
      maxRequests: 400,
      onOutcome: ({ t, latencyMs }) => {
        if (answers.push(t + latencyMs) !== 100) return;
        first.close().closeAllConnections();
        setTimeout(() => void listen((_, response) => response.end('second'), port), 300);
      },
    }),
  );
  expect(summary).toMatchObject({ requests: 400, answered: 400, failed: 0, retried: 4 });
  expect(summary.attempts).toBeGreaterThan(400 + 4 * 3);
  const gaps = answers.slice(1).map((at, i) => at - (answers[i] ?? 0));
  expect(summary.longestHoleMs).toBeCloseTo(Math.max(...gaps), 1);
  expect(summary.longestHoleMs).toBeGreaterThan(250);
});

test('a server that never comes back is given up after the retry time', async () => {
  const { port } = await listen(() => undefined);
  closers.pop()?.();
  const summary = await runLoad(options(port, { maxRequests: 4, retryForMs: 200 }));
  expect(summary).toMatchObject({ answered: 0, failed: 4, retried: 4, errors: { ECONNREFUSED: 4 } });
  expect(summary.durationMs).toBeLessThan(5000);
});

test('a request that was sent and is not answered in time has failed, and is not sent again', async () => {
  let requests = 0;
  const { port } = await listen(() => {
    requests += 1;
  });
  const summary = await runLoad(options(port, { maxRequests: 4, timeoutMs: 100 }));
  expect(summary).toMatchObject({ failed: 4, retried: 0, errors: { ETIMEDOUT: 4 } });
  expect(requests).toBe(4);
});

test('an answer cut in the middle is no answer', async () => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf');
  }).listen(0, '127.0.0.1');
  closers.push(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const summary = await runLoad(
    options(port, { maxRequests: 1, retryForMs: 50, loop: { kind: 'closed', clients: 1 } }),
  );
  expect(summary).toMatchObject({ answered: 0, failed: 1, errors: { ECONNRESET: 1 } });
});

test.each(['closed', 'open'] as const)('an abort ends the %s loop at once', async (kind) => {
  const { port } = await listen(() => undefined);
  const loops = {
    closed: { kind: 'closed', clients: 2 },
    open: { kind: 'open', profile: [{ fromMs: 0, perSecond: 50 }], maxInFlight: 100 },
  } as const;
  const summary = await runLoad(options(port, { loop: loops[kind], signal: AbortSignal.timeout(200) }));
  expect(summary.answered).toBe(0);
  expect(summary.durationMs).toBeLessThan(3000);
});
