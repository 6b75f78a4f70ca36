// Trains a network on handwritten digits and tells epoch, step and loss: a long job whose progress is only in memory.
import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runApp } from '../shared/app.ts';
import { readSettings } from '../shared/settings.ts';
import { epochOrder, pick, readDigits, slice } from './digits.ts';
import { createNetwork } from './network.ts';

const held = 1000; // digits that the network never learns from, to measure how well it reads

const settings = readSettings(process.env, {
  PORT: { fallback: 8080, min: 0, max: 65_535 },
  BATCH: { fallback: 16, min: 1, max: 512 },
  EPOCHS: { fallback: 100, min: 1, max: 1e6 },
  LEARNING_RATE: { fallback: 0.002, min: 1e-6, max: 1 },
  LOG_EVERY_STEPS: { fallback: 10, min: 1, max: 1e6 },
  PAUSE_MS: { fallback: 0, min: 0, max: 60_000 },
});
const folder = process.env.DATA_DIR ?? join(import.meta.dirname, 'data');
const digits = readDigits(
  await readFile(join(folder, 't10k-images-idx3-ubyte')),
  await readFile(join(folder, 't10k-labels-idx1-ubyte')),
);
const lessons = slice(digits, 0, digits.count - held);
const exam = slice(digits, digits.count - held, digits.count);
const stepsPerEpoch = Math.floor(lessons.count / settings.BATCH);
const network = await createNetwork(1, settings.LEARNING_RATE);
const pixelsDigest = hash('sha256', digits.pixels);

const progress = { epoch: 0, step: 0, loss: Number.NaN, accuracy: 0, done: false, digest: await network.digest() };

function say(event: string): void {
  console.log(JSON.stringify({ event, ...progress, digest: undefined }));
}

/** One pass over the lessons. Between two steps it lets requests be answered. */
async function runEpoch(epoch: number): Promise<void> {
  const order = epochOrder(lessons.count, epoch);
  for (let i = 0; i < stepsPerEpoch; i += 1) {
    const batch = pick(lessons, order.subarray(i * settings.BATCH, (i + 1) * settings.BATCH));
    const loss = await network.train(batch);
    const digest = await network.digest();
    Object.assign(progress, { epoch, step: progress.step + 1, loss, digest });
    if (progress.step % settings.LOG_EVERY_STEPS === 0) say('step');
    await sleep(settings.PAUSE_MS);
  }
  progress.accuracy = network.accuracy(exam);
  say('epoch');
}

await runApp({
  app: 'mnist-trainer',
  port: settings.PORT,
  state: {
    expected: () => `${progress.digest}:${pixelsDigest}`,
    async recompute(query) {
      const pixels = query.has('full') ? hash('sha256', digits.pixels) : pixelsDigest;
      return `${await network.digest()}:${pixels}`;
    },
  },
  routes: () => ({
    'GET /': () => ({ body: { ...progress, epochs: settings.EPOCHS, stepsPerEpoch, batch: settings.BATCH } }),
  }),
});
for (let epoch = 1; epoch <= settings.EPOCHS; epoch += 1) await runEpoch(epoch);
progress.done = true;
say('done');
