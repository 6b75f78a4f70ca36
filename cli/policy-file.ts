import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { type ParsedPolicy, type Policy, type PolicyFault, parsePolicy } from '../lib/contract/policy.ts';
import { GodwitError } from '../lib/errors.ts';

/** Reads and judges a policy file, `-` being stdin. @throws E_CONFIG with every fault, its place and what was expected */
export async function readPolicyFile(file: string): Promise<{ text: string; policy: Policy }> {
  const text = await readText(file);
  const parsed = parsePolicy(text);
  if (parsed.ok) return { text, policy: parsed.policy };
  throw faultsError(file, parsed);
}

async function readText(file: string): Promise<string> {
  try {
    // stdin may be a socket, which can not be opened by its path
    return await (file === '-' ? text(process.stdin) : readFile(file, 'utf8'));
  } catch (error) {
    throw new GodwitError('E_CONFIG', `${file} can not be read`, { cause: error });
  }
}

function faultsError(file: string, { faults }: ParsedPolicy & { ok: false }): GodwitError {
  const lines = faults.map((fault) => `\n  ${faultLine(file, fault)}`).join('');
  return new GodwitError('E_CONFIG', `${file} is no valid policy; nothing was changed${lines}`, {
    next: 'docs/reference/policy.md lists every field',
  });
}

export function faultLine(file: string, { path, message, line, column }: PolicyFault): string {
  const place = line === undefined ? file : `${file}:${line}${column === undefined ? '' : `:${column}`}`;
  return `${place} ${path}: ${message}`;
}
