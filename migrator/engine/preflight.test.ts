import { expect, test } from 'vitest';
import type { OciConfig } from '../workloads/bundle.ts';
import { foreignIds, type OpenFile, obstacleTo, type PreflightFacts } from './preflight.ts';

const namespaces = ['pid', 'mount', 'network', 'ipc', 'uts'].map((type) => ({ type }));
const config: OciConfig = { process: { terminal: false }, mounts: [], linux: { namespaces } };
const file = (link: string, fd = 3): OpenFile => ({ pid: 7, fd, link });
const facts = (more: Partial<PreflightFacts> = {}): PreflightFacts => ({
  config,
  files: [file('/dev/null', 0), file('pipe:[1]', 1), file('pipe:[1]', 2), file('socket:[9]'), file('/app/data.db')],
  multipathTcp: false,
  guarded: undefined,
  ...more,
});

test('an ordinary container has no obstacle', () => {
  expect(obstacleTo(facts())).toBeUndefined();
});

const withMount = (options: string[], type?: string): OciConfig => ({
  ...config,
  mounts: [{ destination: '/data', source: '/srv/data', options, ...(type && { type }) }],
});

test.each([
  ['io_uring', facts({ files: [file('anon_inode:[io_uring]')] }), 'process 7 uses io_uring'],
  ['a terminal asked for', facts({ config: { ...config, process: { terminal: true } } }), 'started with a terminal'],
  ['a terminal held', facts({ files: [file('/dev/pts/0', 0)] }), 'holds the terminal /dev/pts/0'],
  ['a device', facts({ files: [file('/dev/fuse')] }), 'holds the device /dev/fuse'],
  ['multipath TCP', facts({ multipathTcp: true }), 'multipath TCP'],
  ['a bind mount by type', facts({ config: withMount([], 'bind') }), 'mounts /srv/data of the node at /data'],
  ['a bind mount by option', facts({ config: withMount(['rbind', 'ro']) }), 'mounts /srv/data of the node at /data'],
  ['output to a file', facts({ files: [file('/var/log/app.log', 1)] }), 'its output goes to /var/log/app.log'],
  ['a guarded process', facts({ guarded: { pid: 7, ids: 'user 33, group 0' } }), 'process 7 runs as user 33, group 0'],
  ['the host network', facts({ config: { ...config, linux: { namespaces: namespaces.slice(0, 2) } } }), 'network, ipc'],
])('%s is an obstacle', (_, given, reason) => {
  expect(obstacleTo(given)).toContain(reason);
});

test.each([
  ['Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n', undefined],
  ['Uid:\t33\t33\t33\t33\nGid:\t0\t0\t0\t0\n', 'user 33, group 0'],
  ['Uid:\t0\t0\t0\t0\nGid:\t0\t5\t5\t5\n', 'user 0, group 5'],
  ['', undefined],
])('%j', (status, ids) => {
  expect(foreignIds(`Name:\tapp\n${status}Threads:\t1\n`)).toBe(ids);
});
