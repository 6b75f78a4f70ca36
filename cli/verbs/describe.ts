import { z } from 'zod';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import { type Hub, withHub } from '../hub-client.ts';
import type { Verb } from '../io.ts';
import { kindFlag } from '../kinds/kinds.ts';

const shape = { kind: kindFlag, name: z.string(), config: z.string().optional() };
type Flags = z.output<z.ZodObject<typeof shape>>;

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'describe');
  io.out(await withHub(flags.config, io, (hub) => describe(hub, flags, io.clock.now())));
  return exitCodes.done;
};

async function describe(hub: Hub, { kind, name }: Flags, now: number): Promise<string> {
  switch (kind) {
    case 'nodes':
      return (await import('../describe/node.ts')).describeNode(hub, name, now);
    case 'workloads':
      return (await import('../describe/node.ts')).describeWorkload(hub, name, now);
    case 'migrations':
      return (await import('../describe/migration.ts')).describeMigration(hub, name);
    case 'decisions':
      return (await import('../describe/decision.ts')).describeDecision(hub, name);
  }
}
