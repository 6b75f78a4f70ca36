import { expect, test } from 'vitest';
import { librariesOf } from './node-runtime.ts';

test('reads the libraries from a loader listing', () => {
  const listing = [
    '\tlinux-vdso.so.1 (0x00007f73e99e8000)',
    '\tlibm.so.6 => /root/usr/lib/x86_64-linux-gnu/libm.so.6 (0x00007f73e98f2000)',
    '\t/root/lib64/ld-linux-x86-64.so.2 => /root/lib/ld-linux-x86-64.so.2 (0x00007f73e99ea000)',
  ].join('\n');
  expect(librariesOf(listing)).toEqual(['/root/usr/lib/x86_64-linux-gnu/libm.so.6', '/root/lib/ld-linux-x86-64.so.2']);
});

test('names the libraries that are missing', () => {
  expect(() => librariesOf('\tliba.so.1 => not found\n\tlibb.so.2 => not found\n')).toThrow('liba.so.1, libb.so.2');
});
