import type { SagaState } from '../../lib/contract/saga.ts';
import type { ActiveStep, Limits, SagaContext } from './types.ts';

/** What a site's uplink is taken to carry when nobody has said so: 100 Mbit/s. */
export const assumedBytesPerSecond = 12_500_000;
/** Transfers share the link and are retried below us. */
const transferReserve = 2;
/** A restore reads memory that is already in the target's tmpfs. */
const restoreBytesPerSecond = 200_000_000;
/** For an image that the target lacks; its size is not known beforehand. */
const missingImageMs = 300_000;

/** For a pod that moves as an image: what a kubelet gives a checkpoint, and a pod that comes up at the target. */
const imageMs = 90_000;

export const defaultLimits: Limits = {
  budgetMs: {
    prepare: 10_000,
    receive: 15_000,
    freeze: 10_000,
    dump: 15_000,
    restore: 15_000,
    commit: 5000,
    run: 10_000,
    destroy: 10_000,
    thaw: 10_000,
    switch: 5000,
    drain: 5000,
    release: 10_000,
    'undo-source': 10_000,
    'undo-target': 10_000,
    'clean-source': 10_000,
    'clean-target': 10_000,
  },
  attemptMs: {
    prepare: 4000,
    receive: 4000,
    freeze: 3000,
    dump: 3000,
    restore: 3000,
    commit: 1500,
    run: 2000,
    destroy: 3000,
    thaw: 3000,
    switch: 2000,
    drain: 2000,
    release: 3000,
    'undo-source': 3000,
    'undo-target': 3000,
    'clean-source': 3000,
    'clean-target': 3000,
  },
};

/** How long `step` may take, its bytes included. */
export function budgetMs(state: SagaState, step: ActiveStep, context: SagaContext): number {
  const base = context.limits.budgetMs[step];
  const memoryBytes = state.prepared?.memoryBytes ?? 0;
  const filesBytes = state.prepared?.filesBytes ?? 0;
  const transferMs = (bytes: number): number => (bytes / context.bytesPerSecond) * 1000 * transferReserve;
  const byImageMs = state.prepared?.spec.checkpoint ? imageMs : 0;
  if (step === 'freeze') return base + transferMs(filesBytes) + (state.receive?.missingImage ? missingImageMs : 0);
  if (step === 'dump') return base + byImageMs + transferMs(memoryBytes + filesBytes);
  if (step === 'restore') return base + byImageMs + (memoryBytes / restoreBytesPerSecond) * 1000;
  return base;
}

const preparation: readonly ActiveStep[] = ['prepare', 'receive'];
const freezeWindow: readonly ActiveStep[] = ['freeze', 'dump', 'restore', 'commit'];

/** Until when the steps before the freeze, or those from the freeze to the commit, have to be through. */
export function deadlineFor(
  state: SagaState,
  phase: 'preparation' | 'freezeWindow',
  at: number,
  context: SagaContext,
): number {
  const steps = phase === 'preparation' ? preparation : freezeWindow;
  return Math.ceil(steps.reduce((sum, step) => sum + budgetMs(state, step, context), at));
}
