import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Clock } from '../../lib/clock.ts';
import { dueOf, type Held, renewed } from './certificates.ts';

const dayMs = 86_400_000;
const name = 'godwit-webhook.godwit-system.svc';
const lifetimes = { authorityDays: 300, servingDays: 30 };
const begin = Date.parse('2030-01-01T00:00:00Z');
const at = (days: number): Clock => {
  const now = begin + days * dayMs;
  return { now: () => now, monotonic: () => now, sleep: async () => undefined };
};
const made = (): Promise<Held> => renewed(undefined, 'authority', name, lifetimes, at(0));
const authorities = (held: Held): string[] => held.bundle.match(/BEGIN/g) ?? [];

test('what is made serves the name, and is trusted', async () => {
  const held = await made();
  const serving = new X509Certificate(held.certificate);
  expect(serving.checkHost(name)).toBe(name);
  expect(serving.verify(new X509Certificate(held.bundle).publicKey)).toBe(true);
  expect(dueOf(held, name, begin)).toBe('nothing');
});

test.each<[string, number, ReturnType<typeof dueOf>]>([
  ['with more than a third of its life left', 19, 'nothing'],
  ['with less', 21, 'certificate'],
  ['when its time is over', 31, 'certificate'],
  ['with less than a third of the authority’s', 201, 'authority'],
])('%s: after %i days %s is due', async (_, days, due) => {
  expect(dueOf(await made(), name, begin + days * dayMs)).toBe(due);
});

test('what serves another name, or is no certificate, is due', async () => {
  const held = await made();
  expect(dueOf(held, 'other.godwit-system.svc', begin)).toBe('certificate');
  expect(dueOf({ ...held, certificate: 'x' }, name, begin)).toBe('authority');
  expect(dueOf(undefined, name, begin)).toBe('authority');
});

test('a new certificate keeps the authority', async () => {
  const held = await made();
  const next = await renewed(held, 'certificate', name, lifetimes, at(21));
  expect(next.bundle).toBe(held.bundle);
  expect(next.certificate).not.toBe(held.certificate);
  expect(dueOf(next, name, begin + 21 * dayMs)).toBe('nothing');
});

test('a new authority leaves the one before it trusted, and no older one', async () => {
  const held = await made();
  const next = await renewed(held, 'authority', name, lifetimes, at(201));
  expect(authorities(next)).toHaveLength(2);
  expect(next.bundle.endsWith(held.bundle)).toBe(true);
  const later = await renewed(next, 'authority', name, lifetimes, at(402));
  expect(authorities(later)).toHaveLength(2);
  expect(later.bundle).not.toContain(held.bundle);
});
