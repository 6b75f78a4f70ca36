import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createAuthority, loadAuthority } from '../../cli/pki/authority.ts';
import { nodeBundle, writeCertificates } from '../../cli/pki/bundle.ts';
import { systemClock } from '../../lib/clock.ts';
import { nodeConfigSchema, tlsFiles } from '../../lib/node-config.ts';
import { pagesProgram } from '../../migrator/engine/pages-program.ts';
import { until } from '../helpers/until.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'godwit-pages-'));
  await createAuthority(dir, systemClock);
  const authority = await loadAuthority(dir, systemClock);
  for (const name of ['edge-1', 'edge-2', 'cloud-1']) {
    const config = nodeConfigSchema.parse({
      name,
      site: name,
      tier: 'edge',
      address: '127.0.0.1',
      nats: { servers: ['tls://127.0.0.1:4222'] },
    });
    await writeCertificates(dir, nodeBundle(config, {}), authority);
  }
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const files = (node: string) => tlsFiles(join(dir, node), 'pages');

const identity = (node: string, peer: string): string[] => {
  const { ca, cert, key } = files(node);
  return ['-ca', ca, '-cert', cert, '-key', key, '-peer', peer, '-descriptor', '9'];
};

function start(args: string[]): { program: ChildProcess; said: Promise<string> } {
  const program = spawn(pagesProgram, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(() => void program.kill('SIGKILL'));
  return { program, said: program.stderr ? text(program.stderr) : Promise.resolve('') };
}

/** `script`: of the shell, in the page server's place; descriptor 9 is the connection. */
async function startReceiver(script: string): Promise<{ port: number; program: ChildProcess; said: Promise<string> }> {
  const portFile = join(dir, `${Math.random()}.port`);
  const where = ['-address', '127.0.0.1', '-ports', '27200-27299', '-port-file', portFile];
  const started = start(['receive', ...where, ...identity('cloud-1', 'edge-1'), '--', 'sh', '-c', script]);
  const port = await until('the port', 5000, () => readFile(portFile, 'utf8').then(Number, () => undefined));
  return { port, ...started };
}

const startSender = (port: number, peer: string, script: string) =>
  start(['send', '-to', `127.0.0.1:${port}`, ...identity('edge-1', peer), '--', 'bash', '-c', script]);

const exitCode = async (program: ChildProcess): Promise<number | null> =>
  program.exitCode ?? ((await once(program, 'exit')) as [number | null])[0];

async function connectionsTo(port: number): Promise<true | undefined> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const established = new RegExp(`:${hex} 01 `);
  return established.test(await readFile('/proc/net/tcp', 'utf8')) || undefined;
}

async function callAs(node: string, port: number): Promise<TLSSocket> {
  const { ca, cert, key } = files(node);
  const credentials = { ca: await readFile(ca), cert: await readFile(cert), key: await readFile(key) };
  const socket = connect({ ...credentials, host: '127.0.0.1', port });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

test('the expected peer talks with the page server in both directions', async () => {
  const { port, program } = await startReceiver('head -c 300000 <&9 | sha256sum >&9');
  const socket = await callAs('edge-1', port);
  const answer = text(socket);
  const pages = Buffer.alloc(300_000, 'page');
  socket.write(pages);
  expect(await exitCode(program)).toBe(0);
  expect(await answer).toContain(createHash('sha256').update(pages).digest('hex'));
});

test('a node that is not expected is sent away, and the right one still gets in', async () => {
  const { port, program, said } = await startReceiver('cat <&9 >&9');
  const wrong = await callAs('edge-2', port);
  await new Promise((resolve) => wrong.on('error', resolve));
  const right = await callAs('edge-1', port);
  const answer = text(right);
  right.end('pages');
  expect(await answer).toBe('pages');
  expect(await exitCode(program)).toBe(0);
  expect(await said).toContain('the certificate names pages.edge-2, expected pages.edge-1');
});

test('a cut connection is an end for the page server, and its failure the exit code', async () => {
  const { port, program, said } = await startReceiver('cat <&9 >&9; exit 3');
  const peer = await callAs('edge-1', port);
  peer.write('pages');
  await once(peer, 'data');
  peer.destroy();
  expect(await exitCode(program)).toBe(1);
  expect(await said).toContain('exit status 3');
});

test('a sender brings its pages to the receiver, and the answer back', async () => {
  const got = join(dir, 'got');
  const receiver = await startReceiver(`head -c 3000000 <&9 | tee '${got}' | sha256sum >&9`);
  const script = `head -c 3000000 /dev/zero >&9; read -r sum _ <&9; [ "$sum" = "$(head -c 3000000 /dev/zero | sha256sum | cut -d' ' -f1)" ]`;
  const sender = startSender(receiver.port, 'cloud-1', script);
  expect(await exitCode(sender.program)).toBe(0);
  expect(await exitCode(receiver.program)).toBe(0);
  expect((await stat(got)).size).toBe(3_000_000);
});

test('a sender that meets another node than it looks for runs nothing', async () => {
  const mark = join(dir, 'ran');
  const receiver = await startReceiver('cat <&9 >&9');
  const sender = startSender(receiver.port, 'edge-2', `touch '${mark}'`);
  expect(await exitCode(sender.program)).toBe(1);
  expect(await sender.said).toMatch(/edge-2/);
  await expect(stat(mark)).rejects.toThrow('ENOENT');
});

test('when the receiver dies the sending command fails instead of waiting', async () => {
  const receiver = await startReceiver('cat <&9 > /dev/null');
  const sender = startSender(receiver.port, 'cloud-1', 'trap "" PIPE; cat /dev/zero >&9 || exit 7');
  await until('the connection stands', 5000, () => connectionsTo(receiver.port));
  receiver.program.kill('SIGKILL');
  expect(await exitCode(sender.program)).toBe(1);
  expect(await sender.said).toContain('exit status 7');
});

test('a sender ends with the failure of its command, and the receiver sees an end', async () => {
  const receiver = await startReceiver('cat <&9 > /dev/null');
  const sender = startSender(receiver.port, 'cloud-1', 'echo pages >&9; exit 5');
  expect(await exitCode(sender.program)).toBe(1);
  expect(await sender.said).toContain('exit status 5');
  expect(await exitCode(receiver.program)).toBe(0);
});
