import { randomBytes } from 'node:crypto';
import { stringify } from 'yaml';
import { z } from 'zod';
import { type Migration, migrationSchema, migrationSpecSchema } from '../../../k8s/objects/migration.ts';
import { resources } from '../../../k8s/resource.ts';
import { nameSchema } from '../../../lib/contract/names.ts';
import { GodwitError } from '../../../lib/errors.ts';
import { parseAs } from '../../../lib/parse.ts';
import { type Finding, findings, ok, tellNext } from '../../doctor/check.ts';
import { type ExitCode, exitCodes } from '../../exit.ts';
import { choice, parseFlags, timeFlag } from '../../flags.ts';
import type { Io, Verb } from '../../io.ts';
import { outputFlags, print } from '../../output.ts';
import { type Cluster, clusterFlags, withCluster } from '../cluster.ts';
import { followMigration } from '../follow.ts';
import { exitCodeOfPhase } from '../migrations.ts';
import { gatherMove, judgeEviction } from '../move.ts';
import { judgeMove } from '../preflight.ts';

const shape = {
  pod: nameSchema,
  to: nameSchema,
  strategy: choice('strategy', migrationSpecSchema.shape.strategy.unwrap().options).default('auto'),
  dryRun: z.boolean().default(false),
  wait: z.boolean().default(false),
  timeout: timeFlag.prefault('5m'),
  output: outputFlags.output,
  headers: outputFlags.headers,
  ...clusterFlags,
};
type Flags = z.output<z.ZodObject<typeof shape>>;

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'migrate');
  return withCluster(flags, io, (cluster) => migrate(cluster, io, flags));
};

async function migrate(cluster: Cluster, io: Io, flags: Flags): Promise<ExitCode> {
  const { pod, to: target, strategy } = flags;
  const found = judgeMove(await gatherMove(cluster, { pod, target, strategy }));
  if (flags.dryRun) return dryRun(cluster, io, flags, found);
  refuseFaults(pod, found);
  const migration = await create(cluster, flags);
  if (!flags.wait) {
    io.out(structured(migration, flags) ?? nameOf(migration));
    return exitCodes.done;
  }
  const { migration: end, gone } = await followMigration(cluster, io, migration, { timeoutMs: flags.timeout });
  if (gone) io.err('Its object was deleted.\n');
  io.out(structured(end, flags) ?? nameOf(migration));
  return exitCodeOfPhase(end);
}

/** What preflight and API server say; nothing is made. */
async function dryRun(cluster: Cluster, io: Io, flags: Flags, found: readonly Finding[]): Promise<ExitCode> {
  const object = objectFor(cluster, flags);
  const { name, namespace } = object.metadata;
  await cluster.client.create(resources.migrations, object, { dryRun: true });
  const accepted = ok('API server', `would take Migration ${namespace}/${name}`);
  const all = [...found, await judgeEviction(cluster, flags.pod), accepted];
  print(io, findings, all, flags);
  tellNext(io, all);
  return all.some(({ state }) => state === 'fault') ? exitCodes.refused : exitCodes.done;
}

/** @throws E_PREFLIGHT */
function refuseFaults(pod: string, found: readonly Finding[]): void {
  const fault = found.find(({ state }) => state === 'fault');
  if (!fault) return;
  const next = fault.next === undefined ? {} : { next: fault.next };
  throw new GodwitError(
    'E_PREFLIGHT',
    `pod ${pod} is not moved, nothing was done: ${fault.check}: ${fault.found}`,
    next,
  );
}

async function create(cluster: Cluster, flags: Flags): Promise<Migration> {
  const object = objectFor(cluster, flags);
  const created = await cluster.client.create(resources.migrations, object);
  return parseAs(migrationSchema, created, `Migration ${object.metadata.name}`);
}

function objectFor({ namespace }: Cluster, { pod, to: target, strategy }: Flags) {
  const name = `${pod.slice(0, 240)}-${randomBytes(4).toString('hex')}`;
  return { metadata: { name, namespace }, spec: { pod, target, strategy, trigger: 'manual' } };
}

const nameOf = ({ metadata }: Migration): string => `migration/${metadata.name}\n`;

function structured(value: object, { output }: Flags): string | undefined {
  if (output === 'json') return `${JSON.stringify(value, null, 2)}\n`;
  return output === 'yaml' ? stringify(value) : undefined;
}
