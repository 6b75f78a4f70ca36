import { hash } from 'node:crypto';
import { HttpError } from '../shared/router.ts';

/** What the shop sells, by stock keeping unit, in cents. */
export const pricesCents: Readonly<Record<string, number>> = {
  binoculars: 12_900,
  boots: 8_950,
  compass: 2_490,
  flask: 1_995,
  'field-guide': 2_450,
  hat: 1_790,
  notebook: 690,
  raincoat: 7_400,
  rucksack: 9_900,
  tent: 24_900,
};

const maxQuantity = 999;

interface CartView {
  readonly session: string;
  readonly items: readonly { readonly sku: string; readonly quantity: number; readonly cents: number }[];
  readonly totalCents: number;
}

interface Order extends CartView {
  readonly order: number;
}

interface Session {
  readonly items: Map<string, number>;
  digest: number;
}

/** The sessions of a shop, in memory only. Each keeps a digest, moved by every change, of what was put in. */
export interface Carts {
  put(session: string, sku: string, quantity: number): CartView;
  remove(session: string, sku: string): CartView;
  list(session: string): CartView;
  checkout(session: string): Order;
  summary(): { sessions: number; orders: number; soldCents: number };
  /** The digest over all sessions as the changes left it. */
  expected(): string;
  /** The same, computed from the carts. */
  recompute(): string;
}

/** @throws HttpError 400 for an unknown product or quantity, 507 when there are `maxSessions` sessions. */
export function createCarts({ maxSessions }: { maxSessions: number }): Carts {
  const sessions = new Map<string, Session>();
  let orders = 0;
  let soldCents = 0;

  function open(name: string): Session {
    const known = sessions.get(name);
    if (known) return known;
    if (sessions.size >= maxSessions) throw new HttpError(507, `expected at most ${maxSessions} sessions`);
    const session = { items: new Map<string, number>(), digest: 0 };
    sessions.set(name, session);
    return session;
  }

  function set(name: string, sku: string, quantity: number): CartView {
    const session = open(name);
    session.digest ^= lineDigest(name, sku, session.items.get(sku) ?? 0) ^ lineDigest(name, sku, quantity);
    if (quantity === 0) session.items.delete(sku);
    else session.items.set(sku, quantity);
    return view(name, session.items);
  }

  function digestOf(digests: Iterable<number>): string {
    return `${orders}:${soldCents}:${[...digests].reduce((sum, digest) => (sum + digest) | 0, 0)}`;
  }

  return {
    put(session, sku, quantity) {
      if (!Object.hasOwn(pricesCents, sku))
        throw new HttpError(400, `sku: expected one of ${Object.keys(pricesCents).join(', ')}`);
      if (!Number.isInteger(quantity) || quantity < 1 || quantity > maxQuantity) {
        throw new HttpError(400, `quantity: expected a whole number from 1 to ${maxQuantity}`);
      }
      return set(session, sku, quantity);
    },
    remove: (session, sku) => set(session, sku, 0),
    list: (session) => view(session, sessions.get(session)?.items ?? new Map()),
    checkout(name) {
      const cart = view(name, sessions.get(name)?.items ?? new Map());
      if (cart.items.length === 0) throw new HttpError(400, 'the cart is empty');
      sessions.delete(name);
      orders += 1;
      soldCents += cart.totalCents;
      return { ...cart, order: orders };
    },
    summary: () => ({ sessions: sessions.size, orders, soldCents }),
    expected: () => digestOf(sessions.values().map((session) => session.digest)),
    recompute: () => digestOf(sessions.entries().map(([name, { items }]) => cartDigest(name, items))),
  };
}

function view(session: string, content: ReadonlyMap<string, number>): CartView {
  const items = [...content].map(([sku, quantity]) => ({ sku, quantity, cents: quantity * (pricesCents[sku] ?? 0) }));
  return { session, items, totalCents: items.reduce((sum, { cents }) => sum + cents, 0) };
}

function cartDigest(session: string, items: ReadonlyMap<string, number>): number {
  return [...items].reduce((digest, [sku, quantity]) => digest ^ lineDigest(session, sku, quantity), 0);
}

function lineDigest(session: string, sku: string, quantity: number): number {
  return quantity === 0 ? 0 : hash('sha256', `${session}\n${sku}\n${quantity}`, 'buffer').readInt32LE();
}
