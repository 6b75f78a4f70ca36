// Shrinks images with a small convolutional network that has learned what to keep: real work for a CPU, per request.
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { runApp } from '../shared/app.ts';
import { HttpError } from '../shared/router.ts';
import { readSettings } from '../shared/settings.ts';
import { decodePicture, encodePicture } from './codec.ts';
import { type Picture, paintPicture } from './picture.ts';
import { createReducer } from './reducer.ts';
import learned from './weights.json' with { type: 'json' };
import { decodeWeights } from './weights.ts';

const settings = readSettings(process.env, {
  PORT: { fallback: 8080, min: 0, max: 65_535 },
  MAX_PIXELS: { fallback: 4_000_000, min: 1024, max: 100_000_000 },
});
tf.enableProdMode();
await tf.setBackend('wasm');
const reducer = createReducer(decodeWeights(learned, 'reduce'));
const weightsDigest = reducer.digest();
const done = { pictures: 0, pixelsIn: 0, pixelsOut: 0, busyMs: 0, lastMs: 0 };

/** A whole number of the query within limits. */
function numberOf(query: URLSearchParams, name: string, fallback: number, max: number): number {
  const value = Number(query.get(name) ?? fallback);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new HttpError(400, `${name}: expected a whole number from 1 to ${max}`);
}

async function answer(picture: Picture, query: URLSearchParams) {
  const halvings = numberOf(query, 'halvings', 1, 4);
  const began = performance.now();
  let small = picture;
  for (let i = 0; i < halvings; i += 1) small = await reducer.halve(small);
  const lastMs = performance.now() - began;
  done.pictures += 1;
  done.pixelsIn += picture.width * picture.height;
  done.pixelsOut += small.width * small.height;
  done.busyMs += lastMs;
  done.lastMs = lastMs;
  return { type: 'image/png', body: encodePicture(small) };
}

await runApp({
  app: 'image-reduction',
  port: settings.PORT,
  state: { expected: () => weightsDigest, recompute: () => reducer.digest() },
  routes: () => ({
    'GET /': () => ({ body: { ...done, weightsDigest } }),
    'POST /reduce': ({ body, query }) => answer(decodePicture(body, settings.MAX_PIXELS), query),
    // the picture of that number, painted on the spot, for who has none at hand
    'GET /reduce': ({ query }) => {
      const side = numberOf(query, 'side', 512, Math.floor(Math.sqrt(settings.MAX_PIXELS)));
      return answer(paintPicture(numberOf(query, 'picture', 1, 1e9), side), query);
    },
    'GET /picture': ({ query }) => {
      const side = numberOf(query, 'side', 512, Math.floor(Math.sqrt(settings.MAX_PIXELS)));
      return { type: 'image/png', body: encodePicture(paintPicture(numberOf(query, 'picture', 1, 1e9), side)) };
    },
  }),
});
