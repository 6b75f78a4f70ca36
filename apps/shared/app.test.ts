import { afterEach, expect, test } from 'vitest';
import { type RunningApp, startApp } from './app.ts';
import { HttpError } from './router.ts';
import type { SelfCheck } from './self-check.ts';

const started: RunningApp[] = [];
let recomputed = 'as it was';

async function start(): Promise<string> {
  const app = await startApp({
    app: 'probe',
    port: 0,
    state: { expected: () => 'as it was', recompute: () => recomputed },
    routes: () => ({
      'POST /echo/:name': ({ params, query, body }) => ({
        status: 201,
        body: { name: params.name, tone: query.get('tone'), text: body.toString() },
      }),
      'GET /bytes': () => ({ type: 'image/x-test', body: Buffer.from([1, 2, 3]) }),
      'GET /refused': () => {
        throw new HttpError(409, 'not now');
      },
    }),
  });
  started.push(app);
  return `http://127.0.0.1:${app.port}`;
}

async function self(base: string): Promise<SelfCheck> {
  return (await (await fetch(`${base}/self`)).json()) as SelfCheck;
}

afterEach(async () => {
  recomputed = 'as it was';
  await Promise.all(started.splice(0).map((app) => app.close()));
});

test('one process keeps its nonce while its counter grows; another process has another nonce', async () => {
  const [one, other] = [await start(), await start()];
  const [before, after, stranger] = [await self(one), await self(one), await self(other)];
  expect(before).toMatchObject({ app: 'probe', nonce: expect.stringMatching(/^[0-9a-f]{32}$/), pid: process.pid });
  expect(after).toMatchObject({ nonce: before.nonce, bornAt: before.bornAt, counter: before.counter + 1 });
  expect(stranger.nonce).not.toBe(before.nonce);
});

test('the checksum tells a damaged state', async () => {
  const base = await start();
  const sound = await self(base);
  recomputed = 'damaged';
  expect([sound.checksum.ok, (await self(base)).checksum.ok]).toEqual([true, false]);
});

test('routes get parameters, query and body; bytes go out as they are; refusals carry their status', async () => {
  const base = await start();
  const echo = await fetch(`${base}/echo/ann?tone=low`, { method: 'POST', body: 'hello' });
  expect([echo.status, await echo.json()]).toEqual([201, { name: 'ann', tone: 'low', text: 'hello' }]);
  const bytes = await fetch(`${base}/bytes`);
  expect(bytes.headers.get('content-type')).toBe('image/x-test');
  expect(new Uint8Array(await bytes.arrayBuffer())).toEqual(new Uint8Array([1, 2, 3]));
  const refused = await fetch(`${base}/refused`);
  expect([refused.status, await refused.json()]).toEqual([409, { error: 'not now' }]);
  expect((await fetch(`${base}/echo/ann`)).status).toBe(404);
  expect(await (await fetch(`${base}/healthz`)).json()).toEqual({ status: 'ok' });
});
