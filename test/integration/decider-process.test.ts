import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from '../../lib/bus/kv.ts';
import { migrateReplySchema } from '../../lib/contract/decision.ts';
import { leaseSchema } from '../../lib/lease.ts';
import { createLogger } from '../../lib/logger.ts';
import { migrateRequestSubject } from '../../lib/subjects.ts';
import { startNatsServer } from '../helpers/nats-server.ts';
import { type SecuredSite, startSecuredSite } from '../helpers/secured-site.ts';

let site: SecuredSite;
const children: ChildProcess[] = [];
beforeEach(async () => {
  site = await startSecuredSite();
});
afterEach(async () => {
  for (const child of children.splice(0)) await end(child, 'SIGKILL');
  await site.close();
});

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

/** `node decider/main.ts`, with certificates and the rights that the hub's server grants. */
async function startDecider(config: object): Promise<ChildProcess> {
  const file = join(site.dir, 'hub.yaml');
  await writeFile(file, JSON.stringify(config));
  const child = spawn(process.execPath, ['decider/main.ts', '--config', file], {
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  children.push(child);
  return child;
}

const hubConfig = () => ({
  address: '127.0.0.1',
  nats: { listen: { host: '127.0.0.1', port: site.hubPort } },
  pki: 'hub',
  decider: { leaseMs: 900 },
});

/** Asks until somebody who leads answers. */
async function answer(operator: NatsConnection): Promise<string> {
  for (const limit = Date.now() + 20_000; Date.now() < limit; await delay(50)) {
    const reply = await operator
      .request(migrateRequestSubject, '{"workload":"nobody"}', { timeout: 500 })
      .catch(() => undefined);
    if (!reply) continue;
    const parsed = migrateReplySchema.parse(reply.json());
    return parsed.ok ? 'ok' : parsed.error.code;
  }
  throw new Error('nobody answers');
}

test('two processes over mutual TLS: one answers; after kill -9 the other does, in a higher term', async () => {
  const operator = await site.connect('hub', 'operator', 'operator');
  const leases = await openStore(operator, 'leases', leaseSchema, createLogger('test', { level: 'silent' }));
  const first = await startDecider(hubConfig());
  expect(await answer(operator)).toBe('E_UNKNOWN_WORKLOAD');
  const before = await leases.get('decider');
  await startDecider(hubConfig());
  await end(first, 'SIGKILL');
  expect(await answer(operator)).toBe('E_UNKNOWN_WORKLOAD');
  const after = await leases.get('decider');
  expect(before?.value.epoch).toBe(1);
  expect(after?.value.epoch).toBe(2);
  expect(after?.value.holder).not.toBe(before?.value.holder);
});

test('ends where the hub has no buckets yet, to be started again', async () => {
  await site.hub.stop();
  await rm(join(site.dir, 'hub-store'), { recursive: true });
  const config: object = JSON.parse(await readFile(join(site.dir, `nats-${site.hubPort}.json`), 'utf8'));
  const empty = await startNatsServer(site.dir, config, site.hubPort);
  try {
    const decider = await startDecider(hubConfig());
    const [code] = await once(decider, 'exit', { signal: AbortSignal.timeout(30_000) });
    expect(code).toBe(1);
  } finally {
    await empty.stop();
  }
});

test('SIGTERM ends it cleanly, and the lease is given up', async () => {
  const operator = await site.connect('hub', 'operator', 'operator');
  const leases = await openStore(operator, 'leases', leaseSchema, createLogger('test', { level: 'silent' }));
  const child = await startDecider(hubConfig());
  await answer(operator);
  await end(child, 'SIGTERM');
  expect(child.exitCode).toBe(0);
  expect((await leases.get('decider'))?.value.holder).toBe('');
});

test('a wrong configuration ends it with the path of the fault', async () => {
  const child = spawn(process.execPath, ['decider/main.ts', '--config', '/nowhere/hub.yaml'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  children.push(child);
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await once(child, 'exit');
  expect(child.exitCode).toBe(2);
  expect(said).toContain('/nowhere/hub.yaml can not be read');
});
