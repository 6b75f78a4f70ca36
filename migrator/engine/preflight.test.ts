import { expect, test } from 'vitest';
import type { OciConfig } from '../workloads/bundle.ts';
import { type OpenFile, obstacleTo } from './preflight.ts';

const namespaces = ['pid', 'mount', 'network', 'ipc', 'uts'].map((type) => ({ type }));
const config: OciConfig = { process: { terminal: false }, mounts: [], linux: { namespaces } };
const file = (link: string, fd = 3): OpenFile => ({ pid: 7, fd, link });
const facts = (more: { config?: OciConfig; files?: OpenFile[]; multipathTcp?: boolean } = {}) => ({
  config,
  files: [file('/dev/null', 0), file('pipe:[1]', 1), file('pipe:[1]', 2), file('socket:[9]'), file('/app/data.db')],
  multipathTcp: false,
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
  ['the host network', facts({ config: { ...config, linux: { namespaces: namespaces.slice(0, 2) } } }), 'network, ipc'],
])('%s is an obstacle', (_, given, reason) => {
  expect(obstacleTo(given)).toContain(reason);
});
