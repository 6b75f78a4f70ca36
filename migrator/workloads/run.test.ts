import { describe, expect, test } from 'vitest';
import { configWith, runOptionsSchema } from './run.ts';

const given = { name: 'shop', node: 'edge-1' };

test.each([
  ['neither bundle nor image', {}, false],
  ['both', { bundle: '/b', image: '/l:1' }, false],
  ['a bundle', { bundle: '/b' }, true],
  ['an image', { image: '/l:1' }, true],
])('%s: taken %s', (_, source, taken) => {
  expect(runOptionsSchema.safeParse({ ...given, ...source }).success).toBe(taken);
});

describe('flags over what bundle or image say', () => {
  const config = { process: { args: ['/web', '-v'], env: ['PATH=/bin', 'PORT=80'], cwd: '/srv' } };
  const configFor = (flags: object) =>
    configWith(config, runOptionsSchema.parse({ ...given, image: '/l:1', ...flags }));

  test('without any it stays as it is', () => {
    expect(configFor({})).toMatchObject(config);
  });

  test('arguments take the place of all of its own', () => {
    expect(configFor({ args: ['/bin/sh', '-c', 'x'] })).toMatchObject({
      process: { args: ['/bin/sh', '-c', 'x'], cwd: '/srv' },
    });
  });

  test('a variable takes the place of its own', () => {
    expect(configFor({ env: { PORT: '8080', MORE: '1' } })).toMatchObject({
      process: { env: ['PATH=/bin', 'PORT=8080', 'MORE=1'], args: ['/web', '-v'] },
    });
  });
});
