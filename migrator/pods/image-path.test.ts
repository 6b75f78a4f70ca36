import { expect, test } from 'vitest';
import { baseOf, namesOf } from './image-path.ts';

const digest = `sha256:${'a'.repeat(64)}`;

test.each([
  ['registry.lab:5000/counter:1', digest, `registry.lab:5000/counter@${digest}`],
  ['registry.lab:5000/counter', digest, `registry.lab:5000/counter@${digest}`],
  [`registry.lab:5000/counter@${digest}`, digest, `registry.lab:5000/counter@${digest}`],
  ['counter:1', 'counter:1', 'counter:1'],
])('base image of %s', (image, declared, base) => {
  expect(baseOf(image, declared)).toBe(base);
});

test('all names of an image, and of no other', () => {
  const listing = [
    'REF                 TYPE        DIGEST    SIZE  PLATFORMS   LABELS',
    `r/checkpoints:m-1   application sha256:1  1 MiB linux/amd64 -`,
    `r/checkpoints:m-2   application sha256:2  1 MiB linux/amd64 -`,
    `r/checkpoints@sha256:1 application sha256:1 1 MiB linux/amd64 -`,
    `sha256:9            application sha256:1  1 MiB linux/amd64 -`,
  ].join('\n');
  expect(namesOf(listing, 'r/checkpoints:m-1')).toEqual(['r/checkpoints:m-1', 'r/checkpoints@sha256:1', 'sha256:9']);
  expect(namesOf(listing, 'r/checkpoints:m-3')).toEqual([]);
});
