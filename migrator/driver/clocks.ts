import type { Clocks, NodeClock, Role } from '../saga/types.ts';

/** Offsets of both nodes' wall clocks against this driver's, from the quickest answer of each: its error is half the round trip. */
export class NodeClocks {
  readonly #best: Partial<Record<Role, NodeClock>> = {};

  /** An answer that left at the node's time `nodeAt`, to a request sent at the driver's time `sentAt`. */
  note(role: Role, answer: { sentAt: number; roundTripMs: number; nodeAt: number }): void {
    const errorMs = answer.roundTripMs / 2;
    const known = this.#best[role];
    if (known && known.errorMs <= errorMs) return;
    this.#best[role] = { offsetMs: answer.nodeAt - (answer.sentAt + errorMs), errorMs };
  }

  snapshot(): Clocks {
    return { ...this.#best };
  }

  /** A time of the driver's clock as the node's clock shows it. */
  toNode(role: Role, at: number): number {
    return Math.max(0, Math.round(at + (this.#best[role]?.offsetMs ?? 0)));
  }
}
