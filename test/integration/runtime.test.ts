import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { until } from '../helpers/until.ts';

// The program itself, with a shell script in the place of runc that writes down how it was called.
const program = resolve(import.meta.dirname, '../../.cache/bin/godwit-runtime');

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'godwit-runtime-'));
  for (const folder of ['bin', 'run', 'state/guards', 'state/arrived', 'bundle', 'root/c1', 'jobs'])
    await mkdir(join(dir, folder), { recursive: true });
  const fake = `#!/bin/sh\necho "$CRIU_CONFIG_FILE" "$@" >>'${dir}/called'\nexit "\${RUNC_CODE:-0}"\n`;
  await writeFile(join(dir, 'bin/runc'), fake);
  await chmod(join(dir, 'bin/runc'), 0o755);
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
});

const annotations = {
  'io.kubernetes.cri.container-type': 'container',
  'io.kubernetes.cri.container-name': 'main',
  'io.kubernetes.cri.sandbox-uid': 'uid-1',
};
const inbound = { ...annotations, 'godwit.dev/migration': 'm-1' };

const writeBundle = (given: Record<string, string>): Promise<void> =>
  writeFile(join(dir, 'bundle/config.json'), JSON.stringify({ ociVersion: '1.2.0', annotations: given }));

/** As containerd's shim calls a runtime. */
const globals = (): string[] => ['--root', join(dir, 'root'), '--log', join(dir, 'log.json'), '--log-format', 'json'];
const createWords = (): string[] => [
  ...globals(),
  ...['create', '--bundle', join(dir, 'bundle'), '--pid-file', join(dir, 'init.pid'), 'c1'],
];

interface Called {
  child: ChildProcess;
  code: Promise<number>;
}

function call(words: string[], env: Record<string, string> = {}): Called {
  const child = spawn(program, words, {
    stdio: 'ignore',
    env: {
      PATH: `${dir}/bin:/usr/bin:/bin`,
      GODWIT_RUN_DIR: join(dir, 'run'),
      GODWIT_STATE_DIR: join(dir, 'state'),
      ...env,
    },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, code: once(child, 'exit').then(([code]) => Number(code)) };
}

const calls = async (): Promise<string[]> =>
  (await readFile(join(dir, 'called'), 'utf8').catch(() => '')).split('\n').filter(Boolean);
const complaint = async (): Promise<string> =>
  (JSON.parse(await readFile(join(dir, 'log.json'), 'utf8')) as { level: string; msg: string }).msg;

/** An agent that answers each question as it is told to; `undefined` leaves the runtime waiting. */
async function agent(answer: (question: unknown) => object | undefined): Promise<{ asked: unknown[]; end(): void }> {
  const asked: unknown[] = [];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => {
      const question: unknown = JSON.parse(data.toString());
      asked.push(question);
      const given = answer(question);
      if (given) socket.end(`${JSON.stringify(given)}\n`);
    });
  });
  const path = join(dir, 'run/runtime.sock');
  await rm(path, { force: true });
  await new Promise<void>((done) => server.listen(path, done));
  const end = (): void => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  onTestFinished(end);
  return { asked, end };
}

test('whatever is no create is handed to runc word by word, with its exit code', async () => {
  expect(await call([...globals(), 'kill', '--all', 'c1', '9'], { RUNC_CODE: '7' }).code).toBe(7);
  expect(await call(['--version']).code).toBe(0);
  expect(await call([...globals(), 'start', 'c1']).code).toBe(0);
  expect(await calls()).toEqual([
    ` ${globals().join(' ')} kill --all c1 9`,
    ' --version',
    ` ${globals().join(' ')} start c1`,
  ]);
});

test.each([
  ['of a pod that nothing moves', annotations],
  ['of a sandbox', { ...inbound, 'io.kubernetes.cri.container-type': 'sandbox' }],
  ['of another container of the pod', { ...inbound, 'godwit.dev/container': 'other' }],
])('a create %s needs no agent', async (_what, given) => {
  await writeBundle(given);
  await writeFile(join(dir, 'state/guards/uid-2'), '{"migration":"m-2","container":"main"}');
  expect(await call(createWords()).code).toBe(0);
  expect(await calls()).toEqual([` ${createWords().join(' ')}`]);
});

test("CRIU is told to leave the node's configuration aside, unless the container names one", async () => {
  const configOf = async (): Promise<unknown> => JSON.parse(await readFile(join(dir, 'bundle/config.json'), 'utf8'));
  for (const [given, told] of [
    [annotations, ''],
    [{ ...annotations, 'org.criu.config': '/own.conf' }, '/own.conf'],
  ] as const) {
    await writeBundle(given);
    expect(await call(createWords()).code).toBe(0);
    expect(await configOf()).toEqual({ ociVersion: '1.2.0', annotations: { ...given, 'org.criu.config': told } });
  }
});

test('a pod that has arrived is created without an agent', async () => {
  await writeBundle(inbound);
  await writeFile(join(dir, 'state/arrived/uid-1'), '{}');
  expect(await call(createWords()).code).toBe(0);
  expect(await calls()).toHaveLength(1);
});

test('a guarded container is refused, with the reason where containerd looks for it; one beside it is not', async () => {
  const guard = join(dir, 'state/guards/uid-1');
  await writeBundle(annotations);
  for (const text of ['{"migration":"m-1","container":"main"}', 'torn']) {
    await writeFile(guard, text);
    await rm(join(dir, 'log.json'), { force: true });
    expect(await call(createWords()).code).toBe(1);
    expect(await complaint()).toContain('moves to another node');
  }
  expect(await calls()).toEqual([]);
  await writeFile(guard, '{"migration":"m-1","container":"sidecar"}');
  expect(await call(createWords()).code).toBe(0);
});

test('a create waits for the agent, and again when it goes away, and does what it is told', async () => {
  await writeBundle(inbound);
  const waiting = call(createWords());
  const silent = await agent(() => undefined);
  await until('the question', 5000, () => silent.asked.length === 1 || undefined);
  expect(silent.asked).toEqual([{ container: 'c1', bundle: join(dir, 'bundle') }]);
  silent.end();
  const second = await agent(() => ({ do: 'create' }));
  expect(await waiting.code).toBe(0);
  expect(second.asked).toHaveLength(1);
  expect(await calls()).toEqual([` ${createWords().join(' ')}`]);
});

test('a refusal is told to containerd', async () => {
  await writeBundle(inbound);
  await agent(() => ({ do: 'refuse', reason: 'rolled back' }));
  expect(await call(createWords()).code).toBe(1);
  expect(await complaint()).toBe('godwit: rolled back');
  expect(await calls()).toEqual([]);
});

test('a restore takes the place of the create, and of the start; its end is written down for the agent', async () => {
  await writeBundle(inbound);
  const [pidFile, statusFile] = [join(dir, 'jobs/restore.pid'), join(dir, 'jobs/restore.status')];
  const flags = ['--lazy-pages', '--image-path', '/images'];
  await agent(() => ({ do: 'restore', args: flags, env: ['CRIU_CONFIG_FILE=/criu.conf'], pidFile, statusFile }));
  const restoring = call(createWords());
  expect(await restoring.code).toBe(0);
  const files = ['--bundle', join(dir, 'bundle'), '--pid-file', join(dir, 'init.pid')];
  const restore = ['/criu.conf', ...globals(), 'restore', '--detach', ...files, ...flags, 'c1'];
  expect(await calls()).toEqual([restore.join(' ')]);
  expect(await readFile(pidFile, 'utf8')).toMatch(new RegExp(`^${restoring.child.pid} \\d+$`));
  expect(await readFile(statusFile, 'utf8')).toBe('0\n');
  expect(await call([...globals(), 'start', 'c1']).code).toBe(0);
  expect(await calls()).toHaveLength(1);
});

test('a failed restore fails the create, and no start is passed over', async () => {
  await writeBundle(inbound);
  const [pidFile, statusFile] = [join(dir, 'jobs/restore.pid'), join(dir, 'jobs/restore.status')];
  await agent(() => ({ do: 'restore', args: [], env: [], pidFile, statusFile }));
  expect(await call(createWords(), { RUNC_CODE: '3' }).code).toBe(1);
  expect(await readFile(statusFile, 'utf8')).toBe('3\n');
  await expect(access(join(dir, 'root/c1/godwit-restored'))).rejects.toThrow();
});

test('it waits no longer than its container is there', async () => {
  await writeBundle(inbound);
  const { asked } = await agent(() => undefined);
  const waiting = call(createWords());
  await until('the question', 5000, () => asked.length === 1 || undefined);
  await rm(join(dir, 'bundle/config.json'));
  expect(await waiting.code).toBe(1);
  expect(await calls()).toEqual([]);
});
