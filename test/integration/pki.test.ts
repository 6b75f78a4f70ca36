import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadHubConfig, loadNodeConfig } from '../../lib/node-config.ts';
import { godwit } from '../helpers/godwit.ts';

let dir: string;
const pki = (...args: string[]) => godwit(['pki', ...args, '--dir', dir]);
const certificate = async (path: string): Promise<X509Certificate> =>
  new X509Certificate(await readFile(join(dir, path)));

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'godwit-pki-'));
  await pki('init');
  await pki('hub', '--address', '192.0.2.1');
  await pki('node', 'edge-1', '--site', 'plant.1', '--tier', 'edge', '--address', '192.0.2.11', '--memory', '4Gi');
  await pki('node', 'edge-2', '--site', 'plant.1', '--tier', 'edge', '--address', '192.0.2.12');
  await pki('node', 'cloud-1', '--site', 'central', '--tier', 'cloud', '--address', '192.0.2.21');
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('certificates', () => {
  it('are issued by an authority that can issue no further one', async () => {
    const ca = await certificate('ca.crt');
    expect(ca.ca).toBe(true);
    expect(ca.verify(ca.publicKey)).toBe(true);
    expect(ca.toLegacyObject().asn1Curve).toBe('prime256v1');
    for (const path of ['hub/nats.crt', 'edge-1/migrator.crt', 'cloud-1/pages.crt']) {
      const leaf = await certificate(path);
      expect(leaf.ca, path).toBe(false);
      expect(leaf.checkIssued(ca) && leaf.verify(ca.publicKey), path).toBe(true);
    }
  });

  it.each([
    ['hub/operator.crt', 'CN=operator', undefined],
    ['edge-1/monitor.crt', 'CN=monitor.edge-1', undefined],
    ['edge-1/migrator.crt', 'CN=migrator.edge-1', undefined],
    ['edge-1/nats.crt', 'CN=leaf.plant.1', '192.0.2.11'],
    ['edge-2/data.crt', 'CN=data.edge-2', '192.0.2.12'],
    ['cloud-1/pages.crt', 'CN=pages.cloud-1', '192.0.2.21'],
    ['hub/nats.crt', 'CN=nats.hub', '192.0.2.1'],
  ])('%s names its user and what it serves', async (path, subject, address) => {
    const leaf = await certificate(path);
    expect(leaf.subject).toBe(subject);
    const [clientAuth, serverAuth] = ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1'];
    expect([...leaf.keyUsage].sort()).toEqual((address ? [serverAuth, clientAuth] : [clientAuth]).sort());
    if (address) expect(leaf.checkIP(address)).toBe(address);
    else expect(leaf.subjectAltName).toBeUndefined();
  });

  it('have serial numbers of 128 bits, all different', async () => {
    const paths = ['edge-1/monitor.crt', 'edge-1/migrator.crt', 'edge-2/monitor.crt', 'hub/hub.crt'];
    const serials = await Promise.all(paths.map(async (path) => (await certificate(path)).serialNumber));
    expect(new Set(serials).size).toBe(paths.length);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  it('are good for a year', async () => {
    const leaf = await certificate('edge-1/monitor.crt');
    const days = (leaf.validToDate.getTime() - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(364);
    expect(days).toBeLessThan(366);
  });

  it('come with keys that only their owner reads', async () => {
    for (const folder of ['.', 'hub', 'edge-1', 'cloud-1'])
      for (const name of (await readdir(join(dir, folder))).filter((file) => file.endsWith('.key')))
        expect((await stat(join(dir, folder, name))).mode & 0o777, name).toBe(0o600);
  });
});

describe('configuration', () => {
  it('makes the first edge node of a site its leaf, and the next ones its clients', async () => {
    const [leaf, member] = await Promise.all(
      ['edge-1', 'edge-2'].map((name) => loadNodeConfig(join(dir, name, 'node.yaml'))),
    );
    expect(leaf?.nats).toMatchObject({ servers: ['tls://127.0.0.1:4222'], leaf: { hub: 'tls://192.0.2.1:7422' } });
    expect(leaf?.capacity.memoryBytes).toBe(4 * 2 ** 30);
    expect(member?.nats).toEqual({ servers: ['tls://192.0.2.11:4222'] });
    expect(await readdir(join(dir, 'edge-2'))).not.toContain('nats.key');
  });

  it('has a cloud node use the hub, whose folder is complete', async () => {
    const node = await loadNodeConfig(join(dir, 'cloud-1', 'node.yaml'));
    expect(node.nats).toEqual({ servers: ['tls://192.0.2.1:4222'] });
    expect((await loadHubConfig(join(dir, 'hub', 'hub.yaml'))).address).toBe('192.0.2.1');
    expect(await readFile(join(dir, 'hub', 'operator.yaml'), 'utf8')).toContain('tls://192.0.2.1:4222');
  });

  it('tells the hub of all nodes, and a leaf of those behind it', async () => {
    const names = async (folder: string) =>
      [...(await readFile(join(dir, folder, 'nodes.yaml'), 'utf8')).matchAll(/name: (\S+)/g)].map(([, name]) => name);
    expect(await names('hub')).toEqual(['cloud-1', 'edge-1', 'edge-2']);
    expect(await names('edge-1')).toEqual(['edge-1', 'edge-2']);
  });
});

describe('the command', () => {
  it('renews a folder and leaves its configuration alone', async () => {
    const before = await certificate('edge-2/monitor.crt');
    const yaml = await readFile(join(dir, 'edge-2', 'node.yaml'), 'utf8');
    await pki('renew', 'edge-2');
    expect((await certificate('edge-2/monitor.crt')).serialNumber).not.toBe(before.serialNumber);
    expect(await readFile(join(dir, 'edge-2', 'node.yaml'), 'utf8')).toBe(yaml);
  });

  it('lists every certificate and how it is renewed', async () => {
    const { stdout } = await pki('list');
    expect(stdout).toMatch(/^NAME +USER +ENDS +DAYS +RENEW WITH$/m);
    expect(stdout).toMatch(/^edge-1 +leaf\.plant\.1 +\d{4}-\d\d-\d\d +36[45] +godwit pki renew edge-1$/m);
  });

  it.each([
    ['a second authority', ['init'], 2, /holds an authority already/],
    ['a folder that exists', ['hub', '--address', '192.0.2.9'], 2, /hub\.yaml exists/],
    [
      'a second leaf',
      ['node', 'edge-3', '--site', 'plant.1', '--tier', 'edge', '--address', '192.0.2.13', '--leaf'],
      2,
      /its leaf on edge-1/,
    ],
    [
      'several faults at once',
      ['node', 'Edge', '--site', 'x', '--tier', 'eege', '--address', '1.2.3'],
      2,
      /name: .*tier: .*did you mean edge.*address: /,
    ],
    [
      'the name of the hub',
      ['node', 'hub', '--site', 'x', '--tier', 'edge', '--address', '192.0.2.14'],
      2,
      /"hub" is taken/,
    ],
  ])('refuses %s', async (_what, args, exitCode, sentence) => {
    const refused = await pki(...args);
    expect(refused.exitCode).toBe(exitCode);
    expect(refused.stderr).toMatch(/^error: /);
    expect(refused.stderr).toMatch(sentence);
  });
});
