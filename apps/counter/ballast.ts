import { setImmediate } from 'node:timers/promises';

const pageWords = 1024; // 4 KiB, the unit in which a kernel tracks and CRIU moves memory
const pagesPerSlice = 2048; // 8 MiB: a few milliseconds between two turns of the event loop

/** Memory that can not be compressed or deduplicated, each page with a digest to check it by. */
export interface Ballast {
  readonly pages: number;
  /** The memory itself. */
  words(): Int32Array;
  /** Rewrites the next `count` pages, in turn over the whole ballast. */
  dirty(count: number): void;
  /** The digest that the writes so far add up to. */
  expected(): number;
  /** The same from the memory itself: the next window of pages, or all of them in slices that let others run. */
  recompute(scope: 'window' | 'all'): Promise<number>;
}

/** Allocates and fills `bytes` (whole pages) with the words of a xorshift32 generator (Marsaglia 2003). */
export function createBallast(bytes: number, seed: number): Ballast {
  const pages = Math.floor(bytes / 4 / pageWords);
  const words = new Int32Array(pages * pageWords);
  const digests = new Int32Array(pages);
  let total = 0;
  let random = seed | 1; // zero is the generator's only dead end
  let nextDirty = 0;
  let nextWindow = 0;

  function fill(page: number): void {
    let digest = page;
    const end = (page + 1) * pageWords;
    for (let i = page * pageWords; i < end; i += 1) {
      random ^= random << 13;
      random ^= random >>> 17;
      random ^= random << 5;
      words[i] = random;
      digest = step(digest, random);
    }
    total = (total - (digests[page] ?? 0) + digest) | 0;
    digests[page] = digest;
  }

  function measure(page: number): number {
    let digest = page;
    const end = (page + 1) * pageWords;
    for (let i = page * pageWords; i < end; i += 1) digest = step(digest, words[i] ?? 0);
    return digest;
  }

  /** How far the digests of `count` pages from `first` on are off from what their memory says. */
  function drift(first: number, count: number): number {
    let off = 0;
    for (let page = first; page < first + count; page += 1) off = (off + measure(page) - (digests[page] ?? 0)) | 0;
    return off;
  }

  async function driftOfAll(): Promise<number> {
    let off = 0;
    for (let first = 0; first < pages; first += pagesPerSlice) {
      off = (off + drift(first, Math.min(pagesPerSlice, pages - first))) | 0;
      await setImmediate();
    }
    return off;
  }

  function driftOfWindow(): number {
    const count = Math.min(pagesPerSlice, pages - nextWindow);
    const off = drift(nextWindow, count);
    nextWindow = (nextWindow + count) % Math.max(pages, 1);
    return off;
  }

  for (let page = 0; page < pages; page += 1) fill(page);
  return {
    pages,
    words: () => words,
    dirty(count) {
      for (let i = 0; i < Math.min(count, pages); i += 1) {
        fill(nextDirty);
        nextDirty = (nextDirty + 1) % pages;
      }
    },
    expected: () => total,
    async recompute(scope) {
      const off = scope === 'all' ? await driftOfAll() : driftOfWindow();
      return (total + off) | 0;
    },
  };
}

/** FNV-1a, a word at a time instead of a byte. */
function step(digest: number, word: number): number {
  return Math.imul(digest ^ word, 0x01000193);
}
