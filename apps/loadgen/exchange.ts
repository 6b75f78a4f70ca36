import { type Agent, request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Outcome, round } from './tally.ts';

export interface HttpCall {
  readonly url: string;
  readonly method: string;
  readonly body: string | null;
}

/** How long to wait for what. */
export interface Patience {
  /** For a connection; short, because a lost SYN is repeated by the kernel only after a second. */
  readonly connectTimeoutMs: number;
  /** For the whole answer, once connected; a request that was sent and not answered in time has failed. */
  readonly timeoutMs: number;
  /** From the first attempt on, refused, reset, unreachable and not connected ones are tried again for so long. */
  readonly retryForMs: number;
  readonly backoffMs: number;
}

/** What an exchange takes from outside. */
export interface Wire {
  readonly agent: Agent;
  /** Milliseconds since the epoch, with fractions. */
  readonly now: () => number;
}

const retryable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ECONNECTTIMEOUT',
]);

class CallError extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.name = 'CallError';
    this.code = code;
  }
}

/**
 * Carries out one request that was due at `t`, with retries on a new connection each. It always answers an outcome,
 * unless `signal` ends it: then it rejects.
 */
export async function exchange(
  call: HttpCall,
  { t, patience, wire, signal }: { t: number; patience: Patience; wire: Wire; signal: AbortSignal },
): Promise<Outcome> {
  const giveUpAt = wire.now() + patience.retryForMs;
  const outcome = (attempts: number, status: number | null, error: string | null): Outcome => ({
    t: round(t),
    latencyMs: round(wire.now() - t),
    status,
    attempts,
    error,
  });
  for (let attempts = 1; ; attempts += 1) {
    try {
      return outcome(attempts, await attempt(call, { patience, agent: wire.agent, signal }), null);
    } catch (error) {
      signal.throwIfAborted();
      const code = codeOf(error);
      if (!retryable.has(code) || wire.now() + patience.backoffMs > giveUpAt) return outcome(attempts, null, code);
      dropIdle(wire.agent);
      await sleep(patience.backoffMs, undefined, { signal });
    }
  }
}

/** One attempt: the status of the answer, once all of it has come. */
function attempt(
  { url, method, body }: HttpCall,
  { patience, agent, signal }: { patience: Patience; agent: Agent; signal: AbortSignal },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers: OutgoingHttpHeaders = body === null ? {} : { 'content-length': Buffer.byteLength(body) };
    const request = httpRequest(url, { method, agent, headers, signal });
    let timer: NodeJS.Timeout;
    const endAfter = (ms: number, code: string) => {
      clearTimeout(timer);
      timer = setTimeout(() => request.destroy(new CallError(code)), ms);
    };
    endAfter(patience.timeoutMs, 'ETIMEDOUT');
    request.on('socket', (socket) => {
      if (!socket.connecting) return;
      endAfter(patience.connectTimeoutMs, 'ECONNECTTIMEOUT');
      socket.once('connect', () => endAfter(patience.timeoutMs, 'ETIMEDOUT'));
    });
    request.on('response', (response) => {
      response.on('error', reject).on('end', () => resolve(response.statusCode ?? 0));
      response.resume();
    });
    request.on('error', reject).on('close', () => {
      clearTimeout(timer);
      reject(new CallError('ECONNRESET')); // no effect once the answer has ended
    });
    request.end(body ?? undefined);
  });
}

/** What broke one connection has probably broken those that wait idle as well: the next attempt shall open a new one. */
function dropIdle(agent: Agent): void {
  for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
}

function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
