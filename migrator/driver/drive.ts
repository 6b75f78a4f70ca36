import type { SagaState } from '../../lib/contract/saga.ts';
import { GodwitError } from '../../lib/errors.ts';
import { transition } from '../saga/transition.ts';
import type { Ask, SagaCommand, SagaContext, SagaEvent, Transition } from '../saga/types.ts';
import type { Announcer } from './announcer.ts';
import { type AskOptions, askAgent } from './ask.ts';
import type { Journal } from './journal.ts';
import { type Patience, pauseMs } from './persist.ts';

const pollMs = 250;

export interface DriveOptions extends Patience, AskOptions {
  journal: Journal;
  announcer: Announcer;
  context: SagaContext;
  /** A step that does not get on for so long is given back: another driver may reach the node, this one has other work. */
  enduranceMs: number;
  /** Resolves when somebody asks to cancel. */
  cancelled: Promise<void>;
  /** Rejects when another driver has taken over. */
  superseded: Promise<never>;
}

/**
 * Carries one migration to its end. `first` is stored already.
 * Throws E_STALE when another driver has taken over, E_BUSY when a node does not answer for long, the signal's reason on shutdown.
 */
export async function drive(first: Transition, options: DriveOptions): Promise<void> {
  const { journal, announcer, context } = options;
  const asker = createAsker(options);
  let { state, commands } = first;
  let stored = Promise.resolve();
  for (;;) {
    for (const command of commands) if (command.kind === 'publish') announcer.push(command.event, command.id);
    if (commands.some(({ kind }) => kind === 'finish')) break;
    asker.begin(state, commands);
    const event = await nextEvent(state, asker.pending(), stored, options);
    if (event.kind === 'failed' && event.code === 'E_STALE') await journal.confirm(state);
    await stored;
    const before = state;
    ({ state, commands } = transition(before, event, context));
    if (state !== before) stored = keepQuiet(journal.save(state));
    if (mustBeStored(commands)) await stored;
  }
  await announcer.flush();
}

/** The first that happens: the answer, a request to cancel, the shutdown, or the loss of the migration to another driver. */
async function nextEvent(
  state: SagaState,
  answer: Promise<SagaEvent>,
  stored: Promise<void>,
  { cancelled, superseded, clock, signal }: DriveOptions,
): Promise<SagaEvent> {
  const stop = new AbortController();
  const shutdown = new Promise<never>((_, reject) => {
    const fail = (): void => reject(signal.reason);
    if (signal.aborted) fail();
    signal.addEventListener('abort', fail, { once: true, signal: stop.signal });
  });
  const lost = stored.then(() => answer);
  const cancel = cancelled.then((): SagaEvent => ({ kind: 'cancel', at: clock.now() }));
  try {
    return await Promise.race([superseded, answer, lost, shutdown, ...(state.cancelRequested ? [] : [cancel])]);
  } finally {
    stop.abort();
  }
}

function mustBeStored(commands: SagaCommand[]): boolean {
  return commands.some((command) => command.kind === 'finish' || (command.kind === 'ask' && command.storedFirst));
}

/** Awaited later; until then a rejection is not unhandled. */
function keepQuiet(promise: Promise<void>): Promise<void> {
  promise.catch(() => {});
  return promise;
}

/** Keeps the one question under way; `begin` drops it for the next, without another question it stays. */
function createAsker(options: DriveOptions): {
  begin(state: SagaState, commands: SagaCommand[]): void;
  pending(): Promise<SagaEvent>;
} {
  const { clock, random, signal, enduranceMs } = options;
  let pending: Promise<SagaEvent> | undefined;
  let step: string | undefined;
  let attempt = 0;
  let since = 0;
  const afterPause = async (state: SagaState, ask: Ask, ms: number): Promise<SagaEvent> => {
    if (ms > 0) await clock.sleep(ms, { signal });
    return askAgent(state, ask, options);
  };
  const pause = (why: 'retry' | 'poll' | undefined): number => {
    if (why === undefined) return 0;
    if (why === 'poll') {
      since = clock.monotonic();
      return pollMs;
    }
    if (clock.monotonic() - since > enduranceMs) throw new GodwitError('E_BUSY', `${step} does not get on; given back`);
    return pauseMs(attempt++, random);
  };
  return {
    begin(state, commands) {
      const ask = commands.find((command) => command.kind === 'ask');
      if (!ask) return;
      if (ask.step !== step) [step, attempt, since] = [ask.step, 0, clock.monotonic()];
      const wait = commands.find((command) => command.kind === 'wait');
      pending = afterPause(state, ask, pause(wait?.why));
      pending.catch(() => {});
    },
    pending() {
      if (!pending) throw new GodwitError('E_RECORD', 'the saga waits for nothing');
      return pending;
    },
  };
}
