import { hash } from 'node:crypto';

/** What only this process knows of itself: it lives in memory alone, so only a memory move carries it over. */
export interface Identity {
  readonly app: string;
  readonly nonce: string;
  readonly bornAt: number;
  counter: number;
}

/** The state that an app guards: what it believes it holds, and the same derived anew from the data itself. */
export interface GuardedState {
  expected(): string;
  recompute(query: URLSearchParams): string | Promise<string>;
}

/** The answer of `GET /self`; `docs/guides/apps.md` explains how to read it. */
export interface SelfCheck {
  readonly app: string;
  readonly nonce: string;
  readonly bornAt: number;
  readonly pid: number;
  readonly counter: number;
  readonly checksum: { readonly value: string; readonly ok: boolean };
}

/** Compares the guarded state with its recomputation. The state must not change while `recompute` runs, or it must bear it. */
export async function selfCheck(
  identity: Identity,
  state: GuardedState,
  { pid, query }: { pid: number; query: URLSearchParams },
): Promise<SelfCheck> {
  const recomputed = await state.recompute(query);
  const expected = state.expected();
  const { app, nonce, bornAt, counter } = identity;
  const value = hash('sha256', `${nonce}\n${expected}`).slice(0, 32);
  return { app, nonce, bornAt, pid, counter, checksum: { value, ok: recomputed === expected } };
}
