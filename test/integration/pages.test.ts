import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createAuthority, loadAuthority } from '../../cli/pki/authority.ts';
import { nodeBundle, writeCertificates } from '../../cli/pki/bundle.ts';
import { systemClock } from '../../lib/clock.ts';
import { systemExec } from '../../lib/exec.ts';
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
  return ['-ca', ca, '-cert', cert, '-key', key, '-peer', peer];
};

function start(args: string[]): { program: ChildProcess; said: Promise<string> } {
  const program = spawn(pagesProgram, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(() => void program.kill('SIGKILL'));
  return { program, said: program.stderr ? text(program.stderr) : Promise.resolve('') };
}

interface Receiver {
  port: number;
  images: string;
  program: ChildProcess;
  said: Promise<string>;
}

async function startReceiver(...more: string[]): Promise<Receiver> {
  const images = await mkdtemp(join(dir, 'images-'));
  const portFile = `${images}.port`;
  const where = ['-address', '127.0.0.1', '-ports', '27200-27299', '-port-file', portFile, '-images', images];
  const started = start(['receive', ...where, ...more, ...identity('cloud-1', 'edge-1')]);
  const port = await until('the port', 5000, () => readFile(portFile, 'utf8').then(Number, () => undefined));
  return { port, images, ...started };
}

/** `script`: of the shell, in the dump's place; descriptor 9 is the connection. */
const startSender = (port: number, peer: string, script: string) => {
  const way = ['-to', `127.0.0.1:${port}`, '-descriptor', '9'];
  return start(['send', ...way, ...identity('edge-1', peer), '--', 'bash', '-c', script]);
};

const exitCode = async (program: ChildProcess): Promise<number | null> =>
  program.exitCode ?? ((await once(program, 'exit')) as [number | null])[0];

const pageSize = 4096;
const present = 4;
const ofProcess = (pid: number): bigint => (BigInt(pid) << 8n) | 1n;

/** A header as CRIU's dump sends it. */
function header(command: number, fields: { flags?: number; pages?: number; address?: bigint; image?: bigint } = {}) {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32LE(command | ((fields.flags ?? 0) << 16), 0);
  bytes.writeBigUInt64LE(BigInt(fields.pages ?? 0), 8);
  bytes.writeBigUInt64LE(fields.address ?? 0n, 16);
  bytes.writeBigUInt64LE(fields.image ?? 0n, 24);
  return bytes;
}
const open = (image: bigint): Buffer => header(4, { image });
const add = (address: bigint, content: Buffer, image: bigint, flags = present): Buffer =>
  Buffer.concat([header(6, { flags, pages: content.length / pageSize, address, image }), content]);
const endOfPages = header(0x1024);

const memory = randomBytes(100 * pageSize);
const image = ofProcess(7);
const dumpOf = (content: Buffer): Buffer[] => [
  open(image),
  add(0x10000n, content.subarray(0, pageSize), image),
  add(0x20000n, content.subarray(pageSize), image, present | 2),
  endOfPages,
];

const bytesOf = (images: string): Promise<number> =>
  stat(join(images, 'pages-65537.img')).then(
    ({ size }) => size,
    () => 0,
  );

async function callAs(node: string, port: number): Promise<TLSSocket> {
  const { ca, cert, key } = files(node);
  const credentials = { ca: await readFile(ca), cert: await readFile(cert), key: await readFile(key) };
  const socket = connect({ ...credentials, host: '127.0.0.1', port });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

test('what a dump sends lies in images as CRIU reads them', async () => {
  const { port, images, program } = await startReceiver();
  const dump = await callAs('edge-1', port);
  dump.write(dumpOf(memory)[0] as Buffer);
  expect([...((await once(dump, 'data')) as [Buffer])[0]]).toEqual([0]);
  // as a slow network cuts it
  const rest = Buffer.concat(dumpOf(memory).slice(1));
  for (let at = 0; at < rest.length; at += 70_001) dump.write(rest.subarray(at, at + 70_001));
  expect([...((await once(dump, 'data')) as [Buffer])[0]]).toEqual([0, 0, 0, 0]);
  expect(await exitCode(program)).toBe(0);
  expect((await readdir(images)).sort()).toEqual(['pagemap-7.img', 'pages-65537.img']);
  expect(memory.equals(await readFile(join(images, 'pages-65537.img')))).toBe(true);
  // magic numbers; pages_id 65537; 1 page at 0x10000, flags 4; 99 pages at 0x20000, flags 6
  const pagemap = '19435654 25400856 04000000 08818004 0a000000 0880800410002004 2801 0a000000 0880800810002006 2863';
  expect((await readFile(join(images, 'pagemap-7.img'))).toString('hex')).toBe(pagemap.replaceAll(' ', ''));
});

test('shared memory and further processes have images of their own', async () => {
  const { port, images, program } = await startReceiver();
  const dump = await callAs('edge-1', port);
  const shared = (3n << 8n) | 2n;
  for (const one of [ofProcess(1), shared]) {
    dump.write(open(one));
    await once(dump, 'data');
    dump.write(add(0x1000n, memory.subarray(0, pageSize), one));
  }
  dump.write(endOfPages);
  expect(await exitCode(program)).toBe(0);
  const names = ['pagemap-1.img', 'pagemap-shmem-3.img', 'pages-65537.img', 'pages-65538.img'];
  expect((await readdir(images)).sort()).toEqual(names);
});

const one = memory.subarray(0, pageSize);
test.each([
  ['of an unknown command', [header(9)], 'command 9 is not known'],
  ['of an unknown kind of image', [open((1n << 8n) | 9n)], 'image of kind 9'],
  ['of pages without an image', [add(0x1000n, one, image)], 'not opened'],
  ['of pages of another image', [open(image), add(0x1000n, one, ofProcess(8))], 'not opened'],
  ['at an address within a page', [open(image), add(0x1001n, one, image)], 'not understood'],
  ['with flags that need an earlier dump', [open(image), header(6, { flags: 1, pages: 1, image })], 'not understood'],
])('a dump %s is refused', async (_, frames, reason) => {
  const { port, program, said } = await startReceiver();
  const dump = await callAs('edge-1', port);
  dump.on('error', () => undefined);
  dump.write(Buffer.concat(frames));
  expect(await exitCode(program)).toBe(1);
  expect(await said).toContain(reason);
});

test.each([
  ['between two headers', dumpOf(memory).slice(0, 2)],
  ['within a page', [...dumpOf(memory).slice(0, 1), (dumpOf(memory)[1] as Buffer).subarray(0, 1000)]],
])('a dump that breaks off %s is a failure', async (_, frames) => {
  const { port, program, said } = await startReceiver();
  const dump = await callAs('edge-1', port);
  dump.end(Buffer.concat(frames));
  expect(await exitCode(program)).toBe(1);
  expect(await said).toContain('broke off');
});

test('a node that is not expected is sent away, and the right one still gets in', async () => {
  const { port, program, said } = await startReceiver();
  const wrong = await callAs('edge-2', port);
  await new Promise((resolve) => wrong.on('error', resolve));
  const right = await callAs('edge-1', port);
  right.write(Buffer.concat(dumpOf(memory)));
  expect(await exitCode(program)).toBe(0);
  expect(await said).toContain('the certificate names pages.edge-2, expected pages.edge-1');
});

/** The dump's part of the talk, played by the shell. */
async function played(frames: Buffer[]): Promise<string> {
  const folder = await mkdtemp(join(dir, 'frames-'));
  await writeFile(join(folder, 'open'), frames[0] as Buffer);
  await writeFile(join(folder, 'rest'), Buffer.concat(frames.slice(1)));
  return `cat '${folder}/open' >&9; head -c 1 <&9 >'${folder}/answer'; cat '${folder}/rest' >&9; [ $(head -c 4 <&9 | wc -c) = 4 ]`;
}

test('a sender brings its pages to the receiver, and the answers back', async () => {
  const receiver = await startReceiver();
  const sender = startSender(receiver.port, 'cloud-1', await played(dumpOf(memory)));
  expect(await exitCode(sender.program)).toBe(0);
  expect(await exitCode(receiver.program)).toBe(0);
  expect(memory.equals(await readFile(join(receiver.images, 'pages-65537.img')))).toBe(true);
});

test('a sender that meets another node than it looks for runs nothing', async () => {
  const mark = join(dir, 'ran');
  const receiver = await startReceiver();
  const sender = startSender(receiver.port, 'edge-2', `touch '${mark}'`);
  expect(await exitCode(sender.program)).toBe(1);
  expect(await sender.said).toMatch(/edge-2/);
  await expect(stat(mark)).rejects.toThrow('ENOENT');
});

test('when the receiver dies the sending command fails instead of waiting', async () => {
  const receiver = await startReceiver();
  const endless = `trap "" PIPE; ${await played([open(image), header(6, { flags: present, pages: 2 ** 30, image })])}; cat /dev/zero >&9 || exit 7`;
  const sender = startSender(receiver.port, 'cloud-1', endless.replace('; [ $(head -c 4 <&9 | wc -c) = 4 ]', ''));
  await until('pages', 5000, async () => (await bytesOf(receiver.images)) > 0 || undefined);
  receiver.program.kill('SIGKILL');
  expect(await exitCode(sender.program)).toBe(1);
  expect(await sender.said).toContain('exit status 7');
});

test('a sender ends with the failure of its command, and the receiver with the break', async () => {
  const receiver = await startReceiver();
  const sender = startSender(receiver.port, 'cloud-1', 'exit 5');
  expect(await exitCode(sender.program)).toBe(1);
  expect(await sender.said).toContain('exit status 5');
  expect(await exitCode(receiver.program)).toBe(1);
});

/** Files of one name each with all of `memory`, as an archive. */
async function archiveOf(...names: string[]): Promise<Buffer> {
  const folder = await mkdtemp(join(dir, 'archive-'));
  for (const name of names) await writeFile(join(folder, name), memory);
  await systemExec('tar', ['-C', folder, '-cf', `${folder}.tar`, ...names]);
  return readFile(`${folder}.tar`);
}

test('an archive of pages is written as it comes, and answered when all of it is there', async () => {
  const { port, images, program } = await startReceiver('-archive');
  const sender = await callAs('edge-1', port);
  sender.write(await archiveOf('pages-1.img', 'pages-2.img'));
  expect([...((await once(sender, 'data')) as [Buffer])[0]]).toEqual([0, 0, 0, 0]);
  expect(await exitCode(program)).toBe(0);
  expect((await readdir(images)).sort()).toEqual(['pages-1.img', 'pages-2.img']);
  for (const name of ['pages-1.img', 'pages-2.img'])
    expect(memory.equals(await readFile(join(images, name)))).toBe(true);
});

test.each([
  ['of other files', async () => archiveOf('inventory.img'), 'is no image of pages'],
  ['that breaks off', async () => (await archiveOf('pages-1.img')).subarray(0, 70_000), 'broke off'],
])('an archive %s is a failure', async (_, make, reason) => {
  const { port, program, said } = await startReceiver('-archive');
  const sender = await callAs('edge-1', port);
  sender.on('error', () => undefined);
  sender.end(await make());
  expect(await exitCode(program)).toBe(1);
  expect(await said).toContain(reason);
});
