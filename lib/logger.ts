import { type Logger, pino, stdTimeFunctions } from 'pino';

export type { Logger };

/** JSON lines on stderr, object first, constant message; secrets never enter a log object. */
export function createLogger(
  component: string,
  options: { level?: string; bindings?: Record<string, string> } = {},
): Logger {
  return pino(
    { level: options.level ?? 'info', base: { component, ...options.bindings }, timestamp: stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  );
}
