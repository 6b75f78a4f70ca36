import { createRandom } from '../shared/random.ts';

/** Images of 28 × 28 grey pixels, one after the other, with the digit that each shows. */
export interface Digits {
  readonly count: number;
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

export const side = 28;
const imageBytes = side * side;

/**
 * Reads the two files of an MNIST set, in the IDX format of its authors (LeCun, Cortes, Burges): big-endian magic
 * number, sizes of the dimensions, then a byte a value.
 *
 * @throws Error when a file is none of these, or one has more or fewer entries than the other.
 */
export function readDigits(images: Uint8Array, labels: Uint8Array): Digits {
  const [count = 0, rows, columns] = header(images, { magic: 0x803, dimensions: 3, name: 'images' });
  const [labelCount] = header(labels, { magic: 0x801, dimensions: 1, name: 'labels' });
  if (rows !== side || columns !== side)
    throw new Error(`images: expected ${side} × ${side}, got ${rows} × ${columns}`);
  if (count !== labelCount) throw new Error(`expected as many labels as images, got ${labelCount} and ${count}`);
  const pixels = images.subarray(16);
  if (pixels.length !== count * imageBytes) throw new Error(`images: expected ${count}, got ${pixels.length} bytes`);
  return { count, pixels, labels: labels.subarray(8) };
}

function header(
  file: Uint8Array,
  { magic, dimensions, name }: { magic: number; dimensions: number; name: string },
): number[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 4 + 4 * dimensions || view.getUint32(0) !== magic) throw new Error(`${name}: expected an IDX file`);
  return Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i));
}

/** The digits from `first` up to, not including, `end`. */
export function slice({ pixels, labels }: Digits, first: number, end: number): Digits {
  return {
    count: end - first,
    pixels: pixels.subarray(first * imageBytes, end * imageBytes),
    labels: labels.subarray(first, end),
  };
}

/** The digits at `indices`, copied. */
export function pick({ pixels, labels }: Digits, indices: ArrayLike<number>): Digits {
  const picked = { count: indices.length, pixels: new Uint8Array(indices.length * imageBytes) };
  for (let i = 0; i < indices.length; i += 1) {
    const from = (indices[i] ?? 0) * imageBytes;
    picked.pixels.set(pixels.subarray(from, from + imageBytes), i * imageBytes);
  }
  return { ...picked, labels: Uint8Array.from(indices, (index) => labels[index] ?? 0) };
}

/** The order in which an epoch goes through `count` digits: shuffled (Fisher–Yates), the same whenever it is asked for. */
export function epochOrder(count: number, epoch: number): Uint32Array {
  const random = createRandom(epoch);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order;
}
