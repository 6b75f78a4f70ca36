import { encode as encodePng } from 'fast-png';
import { encode as encodeJpeg } from 'jpeg-js';
import { expect, test } from 'vitest';
import { decodePicture, encodePicture } from './codec.ts';
import { paintPicture } from './picture.ts';

const png = (options: Parameters<typeof encodePng>[0]) => Buffer.from(encodePng(options));

test('a picture survives as PNG', () => {
  const picture = paintPicture(1, 32);
  expect(decodePicture(Buffer.from(encodePicture(picture)), 1024)).toEqual(picture);
});

test('reads JPEG', () => {
  const data = Buffer.alloc(16 * 8 * 4, 200);
  const { width, height, rgb } = decodePicture(encodeJpeg({ width: 16, height: 8, data }, 100).data, 1024);
  expect([width, height, rgb.every((byte) => Math.abs(byte - 200) < 3)]).toEqual([16, 8, true]);
});

test('grey, and colours with transparency, become red, green and blue', () => {
  const grey = png({ width: 2, height: 1, data: Uint8Array.of(10, 20), channels: 1 });
  expect(decodePicture(grey, 1024).rgb).toEqual(Uint8Array.of(10, 10, 10, 20, 20, 20));
  const clear = png({ width: 1, height: 1, data: Uint8Array.of(1, 2, 3, 0), channels: 4 });
  expect(decodePicture(clear, 1024).rgb).toEqual(Uint8Array.of(1, 2, 3));
});

test.each([
  ['text', Buffer.from('hello world'), 'image: expected a JPEG or a PNG'],
  ['nothing', Buffer.alloc(0), 'image: expected a JPEG or a PNG'],
  ['16 bits', png({ width: 1, height: 1, data: Uint16Array.of(1, 2, 3), channels: 3, depth: 16 }), '16 bits a channel'],
  ['too many pixels', Buffer.from(encodePicture(paintPicture(1, 64))), 'expected at most 1024 pixels'],
])('refuses %s', (_, file, message) => {
  expect(() => decodePicture(file, 1024)).toThrow(message);
});
