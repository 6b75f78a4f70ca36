import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
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

/** `script`: of the shell, in the page server's place; descriptor 3 is the connection. */
async function startPages(script: string): Promise<{ port: number; program: ChildProcess; said: Promise<string> }> {
  const { ca, cert, key } = files('cloud-1');
  const portFile = join(dir, `${Math.random()}.port`);
  const front = ['-address', '127.0.0.1', '-ports', '27200-27299', '-ca', ca, '-cert', cert, '-key', key];
  const program = spawn(
    pagesProgram,
    [...front, '-peer', 'pages.edge-1', '-port-file', portFile, '--', 'sh', '-c', script],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  onTestFinished(() => void program.kill('SIGKILL'));
  const port = await until('the port', 5000, () => readFile(portFile, 'utf8').then(Number, () => undefined));
  return { port, program, said: program.stderr ? text(program.stderr) : Promise.resolve('') };
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
  const { port, program } = await startPages('head -c 300000 <&3 | sha256sum >&3');
  const socket = await callAs('edge-1', port);
  const answer = text(socket);
  const pages = Buffer.alloc(300_000, 'page');
  socket.write(pages);
  const [code] = await once(program, 'exit');
  expect(code).toBe(0);
  expect(await answer).toContain(createHash('sha256').update(pages).digest('hex'));
});

test('a node that is not expected is sent away, and the right one still gets in', async () => {
  const { port, program, said } = await startPages('cat <&3 >&3');
  const wrong = await callAs('edge-2', port);
  await new Promise((resolve) => wrong.on('error', resolve));
  const right = await callAs('edge-1', port);
  const answer = text(right);
  right.end('pages');
  expect(await answer).toBe('pages');
  const [code] = await once(program, 'exit');
  expect(code).toBe(0);
  expect(await said).toContain('the certificate names pages.edge-2, expected pages.edge-1');
});

test('a cut connection is an end for the page server, and its failure the exit code', async () => {
  const { port, program, said } = await startPages('cat <&3 >&3; exit 3');
  const peer = await callAs('edge-1', port);
  peer.write('pages');
  await once(peer, 'data');
  peer.destroy();
  const [code] = await once(program, 'exit');
  expect(code).toBe(1);
  expect(await said).toContain('exit status 3');
});
