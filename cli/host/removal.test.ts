import { expect, test } from 'vitest';
import { tellsRemoval } from './removal.ts';

const object = (metadata: object): string => JSON.stringify({ kind: 'DaemonSet', metadata });

test.each([
  [404, '', true],
  [403, '', true],
  [401, '', true],
  [200, object({ deletionTimestamp: '2026-01-01T00:00:00Z' }), true],
  [200, object({}), false],
  [500, '', false],
  [503, '', false],
])('status %i %s', (status, body, removed) => expect(tellsRemoval({ status, body })).toBe(removed));
