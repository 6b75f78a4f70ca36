import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectBus } from '../../lib/bus/connect.ts';
import { readStream } from '../../lib/bus/read-stream.ts';
import { systemClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logger.ts';
import { eventually } from '../helpers/eventually.ts';
import { freePort, startNatsServer, type TestServer } from '../helpers/nats-server.ts';

const log = createLogger('test', { level: 'silent' });
let dir: string;
let server: TestServer | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'godwit-read-'));
});
afterEach(async () => {
  await server?.stop();
  await rm(dir, { recursive: true, force: true });
});

test.each([
  ['from the beginning', 0],
  ['from a time on', 60_000],
])('reading %s goes on within seconds after a server that came back without JetStream first', async (_, agoMs) => {
  const port = await freePort();
  const plain = { host: '127.0.0.1', port };
  const whole = { ...plain, jetstream: { store_dir: dir } };
  server = await startNatsServer(dir, whole, port);
  const connection = await connectBus({ servers: [`nats://127.0.0.1:${port}`], user: 'test', log });
  const stop = new AbortController();
  const seen: number[] = [];
  try {
    const js = jetstream(connection);
    await (await jetstreamManager(connection)).streams.add({ name: 'DIARY', subjects: ['diary'] });
    const since = agoMs > 0 ? { since: Date.now() - agoMs } : {};
    const reading = (async () => {
      for await (const { seq } of readStream(js, 'DIARY', { ...since, clock: systemClock, log, signal: stop.signal }))
        seen.push(seq);
    })();
    await js.publish('diary');
    await eventually(async () => seen.length === 1);
    for (const config of [plain, whole]) {
      await server.stop();
      server = await startNatsServer(dir, config, port);
      await eventually(() => connection.flush().then(() => true));
    }
    await eventually(() => js.publish('diary'));
    await eventually(async () => seen.length === 2, 8000);
    expect(seen).toEqual([1, 2]);
    stop.abort();
    await reading;
  } finally {
    stop.abort();
    await connection.close();
  }
});
