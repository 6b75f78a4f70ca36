import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { exchange, type HttpCall, type Patience, type Wire } from './exchange.ts';
import { dueTimes, type Step } from './profile.ts';
import { createTally, type Outcome, round, type Summary } from './tally.ts';

/** Closed: each of `clients` sends its next request when the last has ended. Open: requests go out when they are due. */
type Loop =
  | { readonly kind: 'closed'; readonly clients: number }
  | { readonly kind: 'open'; readonly profile: readonly Step[]; readonly maxInFlight: number };

export interface LoadOptions extends Patience {
  /** The request to send; `n` counts them from 0, `client` is 0 in the open loop. Called again for each, so it may change. */
  readonly call: (n: number, client: number) => HttpCall;
  readonly loop: Loop;
  /** After so long no request is started; those in flight end by their own limits. */
  readonly durationMs: number;
  readonly maxRequests: number;
  readonly onOutcome?: (outcome: Outcome) => void;
  readonly signal?: AbortSignal;
}

export const defaultPatience: Patience = {
  connectTimeoutMs: 250,
  timeoutMs: 5000,
  retryForMs: 10_000,
  backoffMs: 20,
};

/** Sends the requests and sums up what became of them. An abort ends it early, with what was answered until then. */
export async function runLoad(options: LoadOptions): Promise<Summary> {
  const { signal = new AbortController().signal, onOutcome } = options;
  const wire: Wire = {
    agent: new Agent({ keepAlive: true }),
    now: () => performance.timeOrigin + performance.now(),
  };
  const startedAt = wire.now();
  const tally = createTally(startedAt);
  const record = (outcome: Outcome) => {
    tally.add(outcome);
    onOutcome?.(outcome);
  };
  const run: Run = { options, wire, startedAt, signal, record };
  try {
    await (options.loop.kind === 'closed' ? closedLoop(run, options.loop) : openLoop(run, options.loop));
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    wire.agent.destroy();
  }
  return tally.summary(wire.now());
}

interface Run {
  readonly options: LoadOptions;
  readonly wire: Wire;
  readonly startedAt: number;
  readonly signal: AbortSignal;
  readonly record: (outcome: Outcome) => void;
}

async function closedLoop(run: Run, { clients }: { clients: number }): Promise<void> {
  const { options, wire, startedAt, record } = run;
  let n = 0;
  const client = async (id: number) => {
    while (n < options.maxRequests && wire.now() < startedAt + options.durationMs) {
      n += 1;
      record(await send(run, options.call(n - 1, id), wire.now()));
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, id) => client(id)));
}

/** Latency counts from when a request was due, so that a stalled server can not hide the requests behind the stall. */
async function openLoop(run: Run, { profile, maxInFlight }: Loop & { kind: 'open' }): Promise<void> {
  const { options, wire, startedAt, signal, record } = run;
  const inFlight = new Set<Promise<void>>();
  let n = 0;
  for (const dueMs of dueTimes(profile, options.durationMs)) {
    if (n >= options.maxRequests) break;
    const t = startedAt + dueMs;
    const waitMs = t - wire.now();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal });
    if (inFlight.size >= maxInFlight) {
      record({ t: round(t), latencyMs: 0, status: null, attempts: 0, error: 'EOVERRUN' });
    } else {
      const sent: Promise<void> = send(run, options.call(n, 0), t)
        .then(record)
        .finally(() => inFlight.delete(sent));
      sent.catch(() => undefined); // an abort is told by the wait above or by Promise.all below
      inFlight.add(sent);
    }
    n += 1;
  }
  await Promise.all(inFlight);
}

function send({ options, wire, signal }: Run, call: HttpCall, t: number): Promise<Outcome> {
  return exchange(call, { t, patience: options, wire, signal });
}
