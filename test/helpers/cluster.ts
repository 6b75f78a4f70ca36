import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAuthority } from '../../cli/pki/authority.ts';
import { type Cluster, clusterUp } from '../../lab/kubernetes/cluster.ts';
import { programs, requireProgram } from '../../lab/kubernetes/software.ts';
import { labSettings } from '../../lab/settings.ts';
import type { LabSpecInput } from '../../lab/spec.ts';
import { systemClock } from '../../lib/clock.ts';
import { hasCode } from '../../lib/errors.ts';
import { systemExec } from '../../lib/exec.ts';

/** Why a cluster can not be raised here; undefined when it can. */
export async function whyNoCluster(): Promise<string | undefined> {
  try {
    for (const program of programs) await requireProgram(labSettings(), program);
    return undefined;
  } catch (error) {
    if (hasCode(error, 'E_SETUP')) return `${error.message}: ${error.next}`;
    throw error;
  }
}

export const raiseCluster = (spec: LabSpecInput): Promise<Cluster> =>
  clusterUp(spec, (folder) => openAuthority(folder, systemClock), { onProgress: (line) => console.log(line) });

export interface Kubectl {
  /** What it prints. */
  run(args: readonly string[], input?: unknown): Promise<string>;
  /** What it says when it fails; throws when it does not. */
  refusal(args: readonly string[], input?: unknown): Promise<string>;
}

/** The cluster's own kubectl on this machine; `input` goes to it as JSON. */
export function kubectlOf({ kubectl, kubeconfig }: Cluster): Kubectl {
  const [file = '', ...first] = kubectl.split(' ');
  const run = async (args: readonly string[], input?: unknown): Promise<string> => {
    const options = input === undefined ? {} : { input: JSON.stringify(input) };
    return (await systemExec(file, [...first, `--kubeconfig=${kubeconfig}`, ...args], options)).stdout;
  };
  return {
    run,
    refusal: async (args, input) => {
      try {
        await run(args, input);
      } catch (error) {
        return (error as Error).message;
      }
      throw new Error(`kubectl ${args.join(' ')} was not refused`);
    },
  };
}

/** A folder that `use` may fill; gone afterwards. */
export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'godwit-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
