import { spawn } from 'node:child_process';
import { createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { systemExec } from '../../lib/exec.ts';
import { remoteKey, socketTo, uncorkPages } from './uncork.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

test('the table of the kernel is read as it is written', () => {
  const row =
    '   3: 0B06580A:A7A6 0C06580A:6978 01 00000000:00000000 02:000A 00000000     0        0 91234 2 0000 20 4 30 10 -1';
  expect(remoteKey('10.88.6.12', 27000)).toBe('0C06580A:6978');
  expect(socketTo(`  sl  local_address rem_address   st\n${row}\n`, remoteKey('10.88.6.12', 27000))).toBe(
    'socket:[91234]',
  );
  expect(socketTo(row.replace(' 01 ', ' 06 '), remoteKey('10.88.6.12', 27000))).toBeUndefined();
});

// a process that calls itself criu, corks its connection and writes less than a segment
const corker = `use Socket; $0 = 'criu'; open(my $c, '>', '/proc/self/comm'); print $c 'criu'; close $c;
socket(my $s, PF_INET, SOCK_STREAM, 0); connect($s, pack_sockaddr_in($ARGV[0], inet_aton('127.0.0.1'))) or die;
setsockopt($s, IPPROTO_TCP, 3, pack('i', 1)); syswrite($s, "x") while select(undef, undef, undef, 0.02) == 0;`;

test('a corked connection of another process is uncorked', async () => {
  const connected = Promise.withResolvers<Socket>();
  const server = createServer((socket) => connected.resolve(socket)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const child = spawn('perl', ['-e', corker, String(port)], { stdio: 'ignore' });
  closing.push(
    () => child.kill('SIGKILL'),
    () => server.close(),
  );
  const socket = await connected.promise;
  closing.push(() => socket.destroy());
  const signal = AbortSignal.timeout(10_000);
  const tools = { clock: systemClock, exec: systemExec };
  const ended = uncorkPages({ address: '127.0.0.1', port }, tools, { signal });
  // corked, bytes would come ten at a time, every 200 ms; uncorked each comes when it is written
  const sizes: number[] = [];
  socket.removeAllListeners('data');
  await new Promise<void>((resolve) => {
    socket.on('data', (data) => {
      sizes.push(data.length);
      if (sizes.length === 30) resolve();
    });
  });
  expect(sizes.slice(15).sort((a, b) => a - b)[7]).toBeLessThan(5);
  child.kill('SIGKILL');
  expect(await ended).toBe(true);
});
