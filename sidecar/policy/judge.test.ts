import { expect, test } from 'vitest';
import { policyVersion } from '../../lib/contract/policy.ts';
import { hasNotes, judgePolicy, notesOn } from './judge.ts';

const text = (spec: string): string => `apiVersion: policy.godwit.dev/v1alpha1
kind: Policy
metadata: { name: shop }
spec: ${spec}
`;
const notesOf = (data?: Record<string, string>) => notesOn(judgePolicy(data ? { data } : {}));

test('a good policy is accepted, with its version', () => {
  const good = text('{ paused: true }');
  expect(judgePolicy({ data: { 'policy.yaml': good } })).toMatchObject({ ok: true, text: good });
  expect(notesOf({ 'policy.yaml': good })).toEqual({
    'godwit.dev/accepted': 'true',
    'godwit.dev/in-force': `shop, version ${policyVersion(good)}`,
    'godwit.dev/faults': null,
  });
});

test('every fault of a bad one is told with its line and path, and what is in force stays as it was', () => {
  expect(notesOf({ 'policy.yaml': text('{ paused: 1, other: 2 }') })).toEqual({
    'godwit.dev/accepted': 'false',
    'godwit.dev/faults': 'line 4: spec.paused: expected boolean, received number\nline 4: spec.other: unknown field',
  });
});

test.each([[undefined], [{ 'policy.yml': text('{}') }]])('without the key nothing is accepted: %j', (data) => {
  expect(notesOf(data)).toEqual({
    'godwit.dev/accepted': 'false',
    'godwit.dev/faults': 'data[policy.yaml]: expected the text of a policy',
  });
});

test('what the object says already is not written again', () => {
  const notes = notesOf({ 'policy.yaml': text('{}') });
  const metadata = { name: 'godwit-policy', uid: 'u', resourceVersion: '1' };
  const said = { 'godwit.dev/accepted': 'true', 'godwit.dev/in-force': notes['godwit.dev/in-force'] ?? '' };
  expect(hasNotes({ metadata }, notes)).toBe(false);
  expect(hasNotes({ metadata: { ...metadata, annotations: said } }, notes)).toBe(true);
  expect(hasNotes({ metadata: { ...metadata, annotations: { ...said, 'godwit.dev/faults': 'x' } } }, notes)).toBe(
    false,
  );
});
