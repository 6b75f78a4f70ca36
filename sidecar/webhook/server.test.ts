import { once } from 'node:events';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import type { InjectionSettings } from '../injection/settings.ts';
import { type Held, renewed } from './certificates.ts';
import { createWebhookServer } from './server.ts';

const name = 'godwit-webhook.godwit-system.svc';
const make = (): Promise<Held> =>
  renewed(undefined, 'authority', name, { authorityDays: 9, servingDays: 3 }, systemClock);

describe('over TLS', () => {
  let settings: InjectionSettings | undefined;
  let server: ReturnType<typeof createWebhookServer>;
  let held: Held;

  beforeEach(async () => {
    settings = { image: 'registry/godwit:1', nodes: ['edge-1'] };
    server = createWebhookServer({ settings: () => settings, log: pino({ level: 'silent' }) });
    held = await make();
    server.setSecureContext({ cert: held.certificate, key: held.key });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });

  async function ask(path: string, body: string | undefined, trusted = held.bundle) {
    const { port } = server.address() as AddressInfo;
    const method = body === undefined ? 'GET' : 'POST';
    const asked = request({ host: '127.0.0.1', port, path, method, servername: name, ca: trusted, agent: false });
    asked.on('error', () => undefined); // the server may hang up on a body that is too long
    asked.end(body);
    const [response] = await once(asked, 'response');
    return { status: response.statusCode, body: JSON.parse(await text(response)) };
  }
  const review = JSON.stringify({ request: { uid: 'r-1', object: { metadata: {}, spec: { nodeName: 'edge-1' } } } });

  test('a review is answered with a patch', async () => {
    const { status, body } = await ask('/inject?timeout=2s', review);
    expect([status, body.response.uid, body.response.patchType]).toEqual([200, 'r-1', 'JSONPatch']);
    expect((await ask('/healthz', undefined)).status).toBe(200);
  });

  test('what can not be answered is a fault of the server, which the API server passes over', async () => {
    expect((await ask('/inject', '{')).status).toBe(500);
    expect((await ask('/inject', 'x'.repeat(5 << 20))).status).toBe(500);
    expect((await ask('/elsewhere', review)).status).toBe(404);
    settings = undefined;
    expect((await ask('/inject', review)).status).toBe(500);
    expect((await ask('/healthz', undefined)).status).toBe(503);
  });

  test('a new certificate is served from the next connection on, without a restart', async () => {
    const next = await make();
    server.setSecureContext({ cert: next.certificate, key: next.key });
    expect((await ask('/inject', review, next.bundle)).status).toBe(200);
    await expect(ask('/inject', review, held.bundle)).rejects.toThrow();
  });
});
