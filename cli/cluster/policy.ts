import { resources } from '../../k8s/resource.ts';
import { parseAs } from '../../lib/parse.ts';
import { systemNamespace } from '../../sidecar/config.ts';
import { type ConfigMap, configMapSchema, policyConfigMap, policyNotes } from '../../sidecar/policy/judge.ts';
import type { Cluster } from './cluster.ts';

export const policyKeyOfObject = { namespace: systemNamespace, name: policyConfigMap };

/** What the controllers say of the ConfigMap's text. */
export interface PolicyNotes {
  /** Undefined: no controller has judged it yet. */
  accepted?: boolean;
  /** Name and version. */
  inForce?: string;
  /** One line each. */
  faults: string[];
}

/** Undefined when there is none. */
export async function readPolicyMap({ client }: Cluster): Promise<ConfigMap | undefined> {
  const found = await client.get(resources.configMaps, policyKeyOfObject);
  return found && parseAs(configMapSchema, found, `ConfigMap ${systemNamespace}/${policyConfigMap}`);
}

export function notesOf({ metadata: { annotations = {} } }: ConfigMap): PolicyNotes {
  const accepted = annotations[policyNotes.accepted];
  const inForce = annotations[policyNotes.inForce];
  return {
    ...(accepted !== undefined && { accepted: accepted === 'true' }),
    ...(inForce !== undefined && { inForce }),
    faults: annotations[policyNotes.faults]?.split('\n') ?? [],
  };
}
