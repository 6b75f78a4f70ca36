import { createHash } from 'node:crypto';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { GodwitError } from '../errors.ts';
import { nameSchema, timestampSchema } from './names.ts';
import { brokenRules } from './policy-rules.ts';
import { type PolicySpec, policySpecSchema } from './policy-spec.ts';

/** The policy document, as people write it. Unknown fields are refused; every field of `spec` has a default. */
const policyDocumentSchema = z.strictObject({
  apiVersion: z.literal('policy.godwit.dev/v1alpha1'),
  kind: z.literal('Policy'),
  metadata: z.strictObject({ name: nameSchema }),
  spec: policySpecSchema.prefault({}),
});

/** A policy that may be in force. */
export interface Policy {
  name: string;
  /** Short hash of the text. */
  version: string;
  spec: PolicySpec;
}

/** What is wrong with a policy text, and where. */
const policyFaultSchema = z.object({
  /** Such as `spec.victim.releaseThresholds.cpu`; `(root)` for the document itself. */
  path: z.string(),
  /** What was expected. */
  message: z.string(),
  line: z.number().int().positive().optional(),
  column: z.number().int().positive().optional(),
});
export type PolicyFault = z.infer<typeof policyFaultSchema>;

/** Value of key `status` in the bucket `policy`, written by the leading decider. */
export const policyStatusSchema = z.object({
  state: z.enum(['in-force', 'rejected']),
  /** Version of the text that was judged; when it was rejected, the one in force is `inForce`. */
  version: z.string(),
  inForce: z.object({ name: z.string(), version: z.string() }),
  faults: z.array(policyFaultSchema),
  at: timestampSchema,
});
export type PolicyStatus = z.infer<typeof policyStatusSchema>;

export type ParsedPolicy = { ok: true; policy: Policy } | { ok: false; version: string; faults: PolicyFault[] };

export const policyVersion = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** Judges a policy text (YAML or JSON): every YAML fault with line and column, or every fault of the schema with its path. */
export function parsePolicy(text: string): ParsedPolicy {
  const version = policyVersion(text);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  if (document.errors.length > 0)
    return { ok: false, version, faults: document.errors.map((error) => syntaxFault(error, lines)) };
  const parsed = policyDocumentSchema.safeParse(contentOf(document));
  const at = (path: readonly PropertyKey[], message: string): PolicyFault => ({
    path: path.join('.') || '(root)',
    message,
    ...lineOf(document, path, lines),
  });
  if (!parsed.success)
    return { ok: false, version, faults: parsed.error.issues.flatMap((issue) => explain(issue, at)) };
  const broken = brokenRules(parsed.data.spec);
  if (broken.length > 0)
    return { ok: false, version, faults: broken.map((rule) => at(['spec', ...rule.path], rule.message)) };
  return { ok: true, policy: { name: parsed.data.metadata.name, version, spec: parsed.data.spec } };
}

/** What is in force where nobody has written a policy. */
const defaultPolicyText = `apiVersion: policy.godwit.dev/v1alpha1
kind: Policy
metadata:
  name: default
`;

export function defaultPolicy(): Policy {
  const parsed = parsePolicy(defaultPolicyText);
  if (!parsed.ok) throw new GodwitError('E_CONFIG', 'the built-in policy does not fit its own schema');
  return parsed.policy;
}

/** One line a fault: `line 9: spec.signals.missedPeriods: expected …`. */
export function describeFault(fault: PolicyFault): string {
  const where = fault.line === undefined ? '' : `line ${fault.line}${fault.column ? `, column ${fault.column}` : ''}: `;
  return `${where}${fault.path}: ${fault.message}`;
}

type FaultAt = (path: readonly PropertyKey[], message: string) => PolicyFault;

function explain(issue: z.core.$ZodIssue, at: FaultAt): PolicyFault[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => at([...issue.path, key], 'unknown field'));
  return [at(issue.path, issue.message.replace(/^Invalid (input|option): /, ''))];
}

function syntaxFault(error: Document.Parsed['errors'][number], lines: LineCounter): PolicyFault {
  const { line, col } = lines.linePos(error.pos[0]);
  return { path: '(root)', message: error.message.split('\n')[0] ?? error.code, line, column: col };
}

/** Null where the text is empty; an alias bomb or another fault of conversion counts as no value. */
function contentOf(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    return undefined;
  }
}

/** Line of the deepest part of `path` that the text holds. */
function lineOf(document: Document.Parsed, path: readonly PropertyKey[], lines: LineCounter): { line?: number } {
  for (let depth = path.length; depth > 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true);
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range))
      return { line: lines.linePos(Number(node.range[0])).line };
  }
  return {};
}
