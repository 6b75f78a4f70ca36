import { ensureProgram, kubernetesPackages, programs } from '../lab/kubernetes/software.ts';
import { ensureRoot } from '../lab/root.ts';
import { labSettings } from '../lab/settings.ts';

// The slow parts of `make setup-kubernetes`: built once, kept in the machine's cache, shared by all checkouts.
const say = (line: string): void => console.log(`set-up: ${line}`);
const settings = labSettings({ onProgress: say });

async function step(what: string, work: () => Promise<string>): Promise<void> {
  const began = performance.now();
  const path = await work();
  say(`${what}: ${Math.round((performance.now() - began) / 1000)} s, ${path}`);
}

await step("root file system of a cluster's nodes", () => ensureRoot(settings, kubernetesPackages));
for (const program of programs) await step(program, async () => (await ensureProgram(settings, program)).path);
