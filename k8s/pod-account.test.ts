import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../lib/clock.ts';
import { startTlsServer } from '../test/helpers/tls-server.ts';
import { createHttp } from './http.ts';
import { podAccount } from './pod-account.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pod-account-'));
  await writeFile(join(folder, 'ca.crt'), 'authority');
  await writeFile(join(folder, 'token'), 'first\n');
});
afterEach(() => rm(folder, { recursive: true }));

const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };

/** A clock that stands at `ms`. */
const clockAt = (time: { ms: number }) => ({ ...systemClock, monotonic: () => time.ms });

test('a token that the kubelet has renewed is used within a minute', async () => {
  const time = { ms: 0 };
  const account = await podAccount({ env, folder, clock: clockAt(time) });
  const tokenAt = async (ms: number): Promise<unknown> => {
    time.ms = ms;
    const options = { headers: { accept: 'x' } };
    await account.applyToHTTPSOptions(options);
    return options;
  };
  await writeFile(join(folder, 'token'), 'second\n');
  expect(await tokenAt(60_000)).toEqual({ ca: 'authority', headers: { accept: 'x', authorization: 'Bearer first' } });
  expect(await tokenAt(60_001)).toMatchObject({ headers: { authorization: 'Bearer second' } });
  await writeFile(join(folder, 'token'), 'third\n');
  expect(await tokenAt(120_001)).toMatchObject({ headers: { authorization: 'Bearer second' } });
});

test.each([
  ['10.96.0.1', 'https://10.96.0.1:443'],
  ['fd00::1', 'https://[fd00::1]:443'],
])('the API server at %s', async (host, server) => {
  const account = await podAccount({ env: { ...env, KUBERNETES_SERVICE_HOST: host }, folder, clock: systemClock });
  expect(account.getCurrentCluster()).toEqual({ server });
});

test('the server is asked as the account, and has to be of its authority', async () => {
  const tokens: (string | undefined)[] = [];
  const server = await startTlsServer((request, response) => {
    tokens.push(request.headers.authorization);
    response.end('answer');
  });
  try {
    const { hostname, port } = new URL(server.url);
    const own = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
    await writeFile(join(folder, 'ca.crt'), server.authority);
    const http = createHttp(await podAccount({ env: own, folder, clock: systemClock }));
    expect(await http.send('asking', 'GET', '/', {})).toBe('answer');
    expect(tokens).toEqual(['Bearer first']);
    const other = await startTlsServer(() => undefined);
    await other.close();
    await writeFile(join(folder, 'ca.crt'), other.authority);
    const stranger = createHttp(await podAccount({ env: own, folder, clock: systemClock }));
    await expect(stranger.send('asking', 'GET', '/', {})).rejects.toMatchObject({ code: 'E_KUBERNETES', status: 0 });
  } finally {
    await server.close();
  }
});

test.each([
  ['outside of a pod', {}, /this is no pod/],
  ['in a pod without an account', env, /can not be read: ENOENT/],
])('%s it says what is missing', async (_, given, said) => {
  const empty = join(folder, 'none');
  const access = podAccount({ env: given, folder: empty, clock: systemClock });
  await expect(access).rejects.toMatchObject({ code: 'E_CONFIG', message: expect.stringMatching(said) });
});
