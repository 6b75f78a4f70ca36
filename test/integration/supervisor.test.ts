import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { ServiceRecord } from '../../cli/services/registry.ts';
import type { ServiceSpec } from '../../cli/services/service.ts';
import { supervise } from '../../cli/services/supervise.ts';
import { connectBus } from '../../lib/bus/connect.ts';
import { systemClock } from '../../lib/clock.ts';
import { createLifecycle, type Lifecycle } from '../../lib/lifecycle.ts';
import { createLogger } from '../../lib/logger.ts';
import { tlsFiles } from '../../lib/node-config.ts';
import { isRunning, signalProcess } from '../../lib/process-id.ts';
import { eventually } from '../helpers/eventually.ts';
import { godwit } from '../helpers/godwit.ts';
import { type StartedGodwit, startGodwit } from '../helpers/godwit-process.ts';
import { freePort, natsServerBinary } from '../helpers/nats-server.ts';

const log = createLogger('test', { level: 'silent' });
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'godwit-supervisor-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function servicesIn(runDir: string): Promise<ServiceRecord[]> {
  return JSON.parse(await readFile(join(runDir, 'services.json'), 'utf8')).services;
}

const service = async (runDir: string, name: string): Promise<ServiceRecord> =>
  eventually(async () => (await servicesIn(runDir)).find((one) => one.name === name));

/** Never number 0, which would be this process and all around it. */
function kill(record: ServiceRecord | undefined): void {
  if (!record) throw new Error('no such service');
  process.kill(record.pid, 'SIGKILL');
}

describe('services', () => {
  let lifecycle: Lifecycle;
  let running: Promise<void>;
  const start = (services: ServiceSpec[]): void => {
    lifecycle = createLifecycle(log, { graceMs: 20_000 });
    running = supervise({ runDir: dir, services }, { clock: systemClock, log, lifecycle });
  };
  const stop = async (): Promise<void> => {
    lifecycle.stop('end of test');
    await running;
  };
  const shell = (name: string, script: string): ServiceSpec => ({ name, command: ['/bin/sh', '-c', script] });

  it('are started again when they die, and counted', async () => {
    start([{ name: 'one', command: ['/bin/sleep', '1000'] }]);
    try {
      const first = await service(dir, 'one');
      kill(first);
      const second = await eventually(async () => {
        const now = await service(dir, 'one');
        return now.pid !== first.pid && now;
      });
      expect(second.restarts).toBe(1);
      expect(await isRunning(second)).toBe(true);
    } finally {
      await stop();
    }
    for (const record of await servicesIn(dir)) expect(await isRunning(record)).toBe(false);
  });

  it('end in the opposite order of their start, each given time to finish', async () => {
    const order = join(dir, 'order');
    const polite = (name: string) =>
      shell(name, `trap 'echo ${name} >>${order}; exit 0' TERM; echo >${dir}/${name}; while :; do sleep 0.02; done`);
    start([polite('first'), polite('second'), polite('third')]);
    for (const name of ['first', 'second', 'third'])
      await eventually(() => readFile(join(dir, name), 'utf8').then(() => true));
    await stop();
    expect((await readFile(order, 'utf8')).trim().split('\n')).toEqual(['third', 'second', 'first']);
  });

  it('leave what they have started on its own alone', async () => {
    const file = join(dir, 'pid');
    start([shell('parent', `setsid sleep 1000 & echo $! >${file}; wait`)]);
    const pid = Number(
      await eventually(async () => (await readFile(file, 'utf8').catch(() => '')).trim() || undefined),
    );
    try {
      await stop();
      expect(process.kill(pid, 0)).toBe(true);
    } finally {
      process.kill(pid, 'SIGKILL');
    }
  });

  it('that can not be started do not keep the others from running', async () => {
    start([
      { name: 'missing', command: [join(dir, 'no-such-program')] },
      { name: 'other', command: ['/bin/sleep', '1000'] },
    ]);
    try {
      expect(await isRunning(await service(dir, 'other'))).toBe(true);
    } finally {
      await stop();
    }
  });
});

describe('godwit hub', () => {
  let readyPort: number;
  let pki: string;
  let runDir: string;
  let port: number;
  let env: Record<string, string>;
  let hub: StartedGodwit | undefined;
  const startHub = async (): Promise<StartedGodwit> => {
    hub = await startGodwit(['hub', '--config', join(pki, 'hub'), '--ready-port', `${readyPort}`], env);
    return hub;
  };
  const connectAs = async (node: string, role: string, within: number): Promise<void> => {
    const tls = tlsFiles(join(pki, node), role);
    const servers = [`tls://127.0.0.1:${port}`];
    const user = `${role}.${node}`;
    await (await connectBus({ servers, user, tls, log, firstAnswerMs: within })).close();
  };

  beforeAll(async () => {
    pki = await mkdtemp(join(tmpdir(), 'godwit-hub-'));
    runDir = join(pki, 'run');
    port = await freePort();
    readyPort = await freePort();
    env = { GODWIT_NATS_SERVER: await natsServerBinary() };
    const dirFlag = ['--dir', pki];
    await godwit(['pki', 'init', ...dirFlag]);
    await godwit(['pki', 'hub', '--address', '127.0.0.1', ...dirFlag]);
    await writeFile(
      join(pki, 'hub', 'hub.yaml'),
      stringify({
        address: '127.0.0.1',
        nats: { listen: { host: '127.0.0.1', port }, leafListen: { host: '127.0.0.1', port: await freePort() } },
        stateDir: join(pki, 'state'),
        runDir,
      }),
    );
  });
  afterAll(async () => {
    await hub?.stop();
    for (const record of await servicesIn(runDir)) await signalProcess(record, 'SIGKILL'); // what a failed test has left
    await rm(pki, { recursive: true, force: true });
  });

  /** What a kubelet would be told; 0 where nobody listens. */
  const readiness = (): Promise<number> =>
    fetch(`http://127.0.0.1:${readyPort}/readyz`).then(
      ({ status }) => status,
      () => 0,
    );

  it('is ready when its streams and buckets stand, and not before', async () => {
    await startHub();
    await eventually(async () => (await readiness()) === 503);
    await eventually(async () => (await readiness()) === 200, 30_000);
    expect(hub?.stderr()).toContain('server and streams know the nodes');
    const nats = await service(runDir, 'nats');
    process.kill(nats.pid, 'SIGSTOP');
    try {
      await eventually(async () => (await readiness()) === 503);
    } finally {
      process.kill(nats.pid, 'SIGCONT');
    }
    await eventually(async () => (await readiness()) === 200, 20_000);
    expect((await fetch(`http://127.0.0.1:${readyPort}/`)).status).toBe(404);
  });

  it('lets a new node in without a restart', async () => {
    const before = await service(runDir, 'nats');
    await godwit(['pki', 'node', 'cloud-1', '--site', 'c', '--tier', 'cloud', '--address', '127.0.0.1', '--dir', pki]);
    await eventually(() => connectAs('cloud-1', 'monitor', 1000).then(() => true), 20_000);
    expect((await service(runDir, 'nats')).pid).toBe(before.pid);
  });

  it('keeps the last good list when nodes.yaml is spoilt', async () => {
    const file = join(pki, 'hub', 'nodes.yaml');
    const good = await readFile(file, 'utf8');
    await writeFile(file, 'nodes: [{ name: cloud-1 }]\n');
    await eventually(async () => hub?.stderr().includes('nodes could not be applied'));
    await connectAs('cloud-1', 'monitor', 2000);
    await writeFile(file, good);
  });

  it('refuses a second supervisor', async () => {
    const second = await godwit(['hub', '--config', join(pki, 'hub')], { env });
    expect(second.exitCode).toBe(4);
    expect(second.stderr).toMatch(/belongs to a running supervisor, process \d+\nnext: end it first: kill \d+/);
  });

  it('killed, leaves its services running, and takes them over when it comes back', async () => {
    const services = ['nats', 'decider'];
    const before = await Promise.all(services.map((name) => service(runDir, name)));
    await hub?.stop('SIGKILL');
    for (const record of before) expect(await isRunning(record), record.name).toBe(true);
    await startHub();
    await eventually(async () => hub?.stderr().match(/service taken over/g)?.length === 2);
    const after = await Promise.all(services.map((name) => service(runDir, name)));
    expect(after.map(({ pid }) => pid)).toEqual(before.map(({ pid }) => pid));
    kill(after[1]); // one that was taken over is watched as well
    await eventually(async () => (await service(runDir, 'decider')).pid !== before[1]?.pid);
  });

  it('ends all of them on SIGTERM', async () => {
    const records = await servicesIn(runDir);
    expect(await hub?.stop('SIGTERM')).toBe(0);
    for (const record of records) expect(await isRunning(record), record.name).toBe(false);
  });

  it('says what is missing without a NATS server', async () => {
    const told = await godwit(['hub', '--config', join(pki, 'hub')], {
      env: { PATH: '', GODWIT_NATS_SERVER: '/nowhere' },
    });
    expect(told).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('error: /nowhere does not run') });
  });
});
