import { openAuthority } from '../../cli/pki/authority.ts';
import { type Cluster, clusterUp } from '../../lab/kubernetes/cluster.ts';
import { programs, requireProgram } from '../../lab/kubernetes/software.ts';
import { labSettings } from '../../lab/settings.ts';
import type { LabSpecInput } from '../../lab/spec.ts';
import { systemClock } from '../../lib/clock.ts';
import { hasCode } from '../../lib/errors.ts';
import { systemExec } from '../../lib/exec.ts';

/** Why no cluster can be raised here; undefined when one can. */
export const clusterObstacle = (): Promise<string | undefined> =>
  Promise.all(programs.map((program) => requireProgram(labSettings(), program))).then(
    () => undefined,
    (error: unknown) => {
      if (hasCode(error, 'E_SETUP')) return `${error.message}: ${error.next}`;
      throw error;
    },
  );

export const testClusterUp = (spec: LabSpecInput): Promise<Cluster> =>
  clusterUp(spec, (folder) => openAuthority(folder, systemClock), { onProgress: (line) => console.log(line) });

/** kubectl on this machine, as the cluster's administrator; its stdout. @throws E_EXEC, E_TIMEOUT */
export async function kubectl(cluster: Cluster, args: readonly string[], input?: string): Promise<string> {
  const [program = '', ...first] = cluster.kubectl.split(' ');
  const options = { timeoutMs: 120_000, ...(input !== undefined && { input }) };
  return (await systemExec(program, [...first, `--kubeconfig=${cluster.kubeconfig}`, ...args], options)).stdout;
}
