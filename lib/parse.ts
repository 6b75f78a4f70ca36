import type { z } from 'zod';
import { type ErrorCode, GodwitError } from './errors.ts';

/** Parses `value`; on a fault throws one error that names every faulty path and what was expected there. */
export function parseAs<T>(schema: z.ZodType<T>, value: unknown, what: string, code: ErrorCode = 'E_INPUT'): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new GodwitError(code, `${what}: ${describeFaults(parsed.error)}`, { cause: parsed.error });
}

export function describeFaults(error: z.ZodError): string {
  return error.issues.map((issue) => `${pathOf(issue.path)}: ${issue.message}`).join('; ');
}

function pathOf(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return text.replace(/^\./, '') || '(root)';
}

const decoder = new TextDecoder();

export function parseJson<T>(schema: z.ZodType<T>, data: Uint8Array | string, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(typeof data === 'string' ? data : decoder.decode(data));
  } catch (error) {
    throw new GodwitError('E_INPUT', `${what}: not JSON`, { cause: error });
  }
  return parseAs(schema, value, what);
}
