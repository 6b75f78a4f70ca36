import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cluster } from '../../lab/kubernetes/cluster.ts';
import { kubectl } from './kubernetes.ts';

export interface Kubectl {
  /** What it prints. */
  run(args: readonly string[], input?: unknown): Promise<string>;
  /** What it says when it fails; throws when it does not. */
  refusal(args: readonly string[], input?: unknown): Promise<string>;
}

/** `input` goes to it as JSON. */
export function kubectlOf(cluster: Cluster): Kubectl {
  const run = (args: readonly string[], input?: unknown): Promise<string> =>
    kubectl(cluster, args, input === undefined ? undefined : JSON.stringify(input));
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
