import { z } from 'zod';
import type { HttpCall } from './exchange.ts';
import { parseProfile } from './profile.ts';
import { defaultPatience, type LoadOptions } from './run.ts';

const count = z.coerce.number().int().positive();
const ms = z.coerce.number().nonnegative();

const profile = z.string().transform((text, context) => {
  try {
    return parseProfile(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
    return z.NEVER;
  }
});

const flags = z
  .object({
    url: z.url({ protocol: /^http$/ }),
    method: z.string().default('GET'),
    body: z.string().optional(),
    clients: count.optional(),
    profile: profile.optional(),
    maxInFlight: count.default(1000),
    duration: z.coerce.number().positive().max(3600).default(10),
    maxRequests: count.max(10_000_000).default(1_000_000),
    connectTimeout: ms.default(defaultPatience.connectTimeoutMs),
    timeout: ms.default(defaultPatience.timeoutMs),
    retryFor: ms.default(defaultPatience.retryForMs),
    backoff: ms.default(defaultPatience.backoffMs),
  })
  .refine(({ clients, profile }) => !(clients && profile), 'expected --clients or --profile, not both');

/** Turns the command's flags into options. Throws a `ZodError` with all faults. */
export function loadOptions(given: unknown): LoadOptions {
  const { url, method, body = null, clients = 1, profile, maxInFlight, ...rest } = flags.parse(given);
  return {
    call: (n, client) => fillIn({ url, method, body }, n, client),
    loop: profile ? { kind: 'open', profile, maxInFlight } : { kind: 'closed', clients },
    durationMs: rest.duration * 1000,
    maxRequests: rest.maxRequests,
    connectTimeoutMs: rest.connectTimeout,
    timeoutMs: rest.timeout,
    retryForMs: rest.retryFor,
    backoffMs: rest.backoff,
  };
}

/** `{n}` and `{client}` in address and body become the numbers of request and client. */
function fillIn({ url, method, body }: HttpCall, n: number, client: number): HttpCall {
  const fill = (text: string) => text.replaceAll('{n}', String(n)).replaceAll('{client}', String(client));
  return { url: fill(url), method, body: body === null ? null : fill(body) };
}
