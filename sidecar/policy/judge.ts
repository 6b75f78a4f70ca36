import { z } from 'zod';
import { kubeObjectSchema } from '../../k8s/objects/meta.ts';
import { describeFault, type Policy, parsePolicy } from '../../lib/contract/policy.ts';

export const policyConfigMap = 'godwit-policy';
export const policyKey = 'policy.yaml';

export const configMapSchema = kubeObjectSchema.extend({ data: z.record(z.string(), z.string()).optional() });
export type ConfigMap = z.infer<typeof configMapSchema>;

/** What we say of the policy in the ConfigMap's annotations. */
export const policyNotes = {
  /** `true` or `false`: the text as it stands. */
  accepted: 'godwit.dev/accepted',
  /** Name and version of the text that was accepted last. */
  inForce: 'godwit.dev/in-force',
  /** What is wrong with the text, one line a fault; absent where nothing is. */
  faults: 'godwit.dev/faults',
} as const;

export type Judgement = { ok: true; text: string; policy: Policy } | { ok: false; faults: string[] };

/** Judges the ConfigMap's policy by the rules of a policy file. */
export function judgePolicy({ data }: Pick<ConfigMap, 'data'>): Judgement {
  const text = data?.[policyKey];
  if (text === undefined) return { ok: false, faults: [`data[${policyKey}]: expected the text of a policy`] };
  const parsed = parsePolicy(text);
  return parsed.ok
    ? { ok: true, text, policy: parsed.policy }
    : { ok: false, faults: parsed.faults.map(describeFault) };
}

/** The annotations that say so, as a merge patch: null takes one away. `inForce` stays as it is over a text with faults. */
export function notesOn(judgement: Judgement): Record<string, string | null> {
  if (!judgement.ok) return { [policyNotes.accepted]: 'false', [policyNotes.faults]: judgement.faults.join('\n') };
  const { name, version } = judgement.policy;
  return {
    [policyNotes.accepted]: 'true',
    [policyNotes.inForce]: `${name}, version ${version}`,
    [policyNotes.faults]: null,
  };
}

/** Whether the object says all that already. */
export const hasNotes = ({ metadata }: Pick<ConfigMap, 'metadata'>, notes: Record<string, string | null>): boolean =>
  Object.entries(notes).every(([key, value]) => (metadata.annotations?.[key] ?? null) === value);
