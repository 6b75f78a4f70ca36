// A shop whose carts live in memory alone: whoever restarts it instead of moving it loses every cart.
import { runApp } from '../shared/app.ts';
import { HttpError } from '../shared/router.ts';
import { readSettings } from '../shared/settings.ts';
import { createCarts, pricesCents } from './carts.ts';

const settings = readSettings(process.env, {
  PORT: { fallback: 8080, min: 0, max: 65_535 },
  MAX_SESSIONS: { fallback: 10_000, min: 1, max: 1_000_000 },
});
const carts = createCarts({ maxSessions: settings.MAX_SESSIONS });

/** The quantity in a body such as `{"quantity": 2}`; an empty body means one. */
function quantityOf(body: Buffer): number {
  if (body.length === 0) return 1;
  try {
    return Number((JSON.parse(body.toString()) as { quantity?: unknown }).quantity);
  } catch (cause) {
    throw new HttpError(400, `body: expected JSON such as {"quantity": 2}: ${String(cause)}`);
  }
}

await runApp({
  app: 'shopping-cart',
  port: settings.PORT,
  state: carts,
  routes: () => ({
    'GET /': () => ({ body: { ...carts.summary(), pricesCents } }),
    'GET /sessions/:session': ({ params: { session = '' } }) => ({ body: carts.list(session) }),
    // sets the quantity, so that a client may repeat it after a lost answer
    'PUT /sessions/:session/items/:sku': ({ params: { session = '', sku = '' }, body }) => ({
      body: carts.put(session, sku, quantityOf(body)),
    }),
    'DELETE /sessions/:session/items/:sku': ({ params: { session = '', sku = '' } }) => ({
      body: carts.remove(session, sku),
    }),
    'POST /sessions/:session/checkout': ({ params: { session = '' } }) => ({ body: carts.checkout(session) }),
  }),
});
