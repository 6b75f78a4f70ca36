import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { openAuthority } from './authority.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'authority-'));
});
afterEach(() => rm(dir, { recursive: true }));

test('an authority is made once, and the same one is opened again', async () => {
  const made = await openAuthority(dir, systemClock);
  const opened = await openAuthority(dir, systemClock);
  expect(opened.certificate).toBe(made.certificate);
  const { certificate } = await opened.issue({ name: 'a' });
  expect(new X509Certificate(certificate).verify(new X509Certificate(made.certificate).publicKey)).toBe(true);
});

test('a certificate names its organization only when it has one', async () => {
  const authority = await openAuthority(dir, systemClock);
  const subject = async (request: Parameters<typeof authority.issue>[0]): Promise<string> =>
    new X509Certificate((await authority.issue(request)).certificate).subject;
  expect(await subject({ name: 'system:node:a', organization: 'system:nodes' })).toBe(
    'O=system:nodes\nCN=system:node:a',
  );
  expect(await subject({ name: 'monitor.a' })).toBe('CN=monitor.a');
});
