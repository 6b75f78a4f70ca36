// A counter with a memory of a chosen size and dirty rate: what a migration is measured and proved with.
import { randomInt } from 'node:crypto';
import { runApp } from '../shared/app.ts';
import { readSettings } from '../shared/settings.ts';
import { createBallast } from './ballast.ts';

const tickMs = 10;
const pagesPerMib = 256;

const settings = readSettings(process.env, {
  PORT: { fallback: 8080, min: 0, max: 65_535 },
  MIB: { fallback: 64, min: 0, max: 8192 },
  DIRTY_MIB_PER_S: { fallback: 0, min: 0, max: 4096 },
});
const ballast = createBallast(settings.MIB * 2 ** 20, randomInt(1, 2 ** 31));
let count = 0;

if (settings.DIRTY_MIB_PER_S > 0) {
  const pagesPerTick = (settings.DIRTY_MIB_PER_S * pagesPerMib * tickMs) / 1000;
  let due = 0; // what a tick can not write whole is left to the next; time that was frozen is never caught up
  setInterval(() => {
    due += pagesPerTick;
    ballast.dirty(Math.floor(due));
    due -= Math.floor(due);
  }, tickMs);
}

await runApp({
  app: 'counter',
  port: settings.PORT,
  state: {
    expected: () => String(ballast.expected()),
    recompute: async (query) => String(await ballast.recompute(query.has('full') ? 'all' : 'window')),
  },
  routes: ({ nonce, bornAt }) => ({
    'GET /': () => {
      count += 1;
      const { MIB: mib, DIRTY_MIB_PER_S: dirtyMibPerS } = settings;
      return { body: { nonce, born: bornAt, count, checksum: ballast.expected(), mib, dirtyMibPerS } };
    },
  }),
});
