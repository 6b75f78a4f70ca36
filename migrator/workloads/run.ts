import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { keepsSchema, nameSchema, requestedStrategySchema } from '../../lib/contract/names.ts';
import { GodwitError } from '../../lib/errors.ts';
import { parseAs, parseJson } from '../../lib/parse.ts';
import { bootToken } from '../agent/boot.ts';
import { claims, isLostCopy, openJournals } from '../agent/journal.ts';
import { readContainer } from '../engine/container.ts';
import { type OciConfig, ociConfigSchema } from './bundle.ts';
import { removeContainer, removeWorkload, stopContainer } from './container.ts';
import { imageConfig } from './image-config.ts';
import { addImage } from './images.ts';
import { type Managed, readManaged, writeManaged } from './store.ts';
import { type SuperviseDeps, startManaged } from './supervise.ts';
import { unpackedImage } from './unpack.ts';

/** What `godwit run` is told. */
export const runOptionsSchema = z
  .strictObject({
    name: nameSchema,
    /** OCI bundle: a folder with config.json and rootfs; it stays where it is and is never written to. */
    bundle: z.string().optional(),
    /** `LAYOUT:TAG`, an image in an OCI image layout; it is unpacked into this node's images. */
    image: z.string().optional(),
    node: nameSchema,
    keeps: keepsSchema.default('memory'),
    strategy: requestedStrategySchema.default('auto'),
    restartPolicy: z.enum(['never', 'on-failure', 'always']).default('always'),
    address: z.ipv4().optional(),
    cpus: z.number().positive().optional(),
    memoryBytes: z.number().int().positive().optional(),
    env: z.record(z.string(), z.string()).default({}),
    /** Program and arguments in place of the bundle's or image's own; none: those. */
    args: z.array(z.string()).default([]),
    migrate: z.boolean().default(true),
    priority: z.number().int().default(0),
  })
  .refine(({ bundle, image }) => (bundle === undefined) !== (image === undefined), {
    error: 'exactly one of --bundle and --image has to be given',
    path: ['image'],
  });
export type RunOptions = z.input<typeof runOptionsSchema>;

const cpuPeriodUs = 100_000;

/** Starts a workload that Godwit keeps on this node. @throws E_CONFIG, E_BUSY when the name is taken, E_SETUP, E_EXEC */
export async function runWorkload(given: RunOptions, deps: SuperviseDeps): Promise<void> {
  const options = parseAs(runOptionsSchema, given, 'run', 'E_CONFIG');
  const taken =
    (await readContainer(deps.paths.runcRoot, options.name)) ?? (await readManaged(deps.paths, options.name));
  if (taken) throw new GodwitError('E_BUSY', `a workload named ${options.name} is already on this node`);
  const program = await programOf(options, deps);
  const config = configWith(program.config, options);
  const image = program.digest;
  const { name, keeps, strategy, address, restartPolicy, migrate, priority } = options;
  const spec = {
    name,
    image,
    keeps,
    strategy,
    restartPolicy,
    migrate,
    priority,
    config,
    home: options.node,
    startedAt: deps.clock.now(),
  };
  const requests = {
    ...(address !== undefined && { address }),
    ...(options.cpus !== undefined && { requestedCores: options.cpus }),
    ...(options.memoryBytes !== undefined && { requestedMemoryBytes: options.memoryBytes }),
  };
  const managed: Managed = { spec: { ...spec, ...requests }, state: 'running', image: program.rootfs };
  try {
    await startManaged(managed, deps);
    // only now: whatever is written down here, the agent's supervisor starts
    await writeManaged(deps.paths, managed);
  } catch (error) {
    await removeContainer(name, deps);
    await removeWorkload(name, deps);
    throw error;
  }
}

interface Program {
  config: OciConfig;
  /** Of the root file system. */
  digest: string;
  rootfs: string;
}

async function programOf(
  { bundle, image, name }: z.infer<typeof runOptionsSchema>,
  deps: SuperviseDeps,
): Promise<Program> {
  if (bundle !== undefined) return programOfBundle(bundle, deps);
  const { process, digest, rootfs } = await unpackedImage(deps.paths, image ?? '', deps.exec);
  return { config: ociConfigSchema.parse(imageConfig(process, name)), digest, rootfs };
}

async function programOfBundle(bundle: string, { paths }: SuperviseDeps): Promise<Program> {
  const text = await readFile(join(bundle, 'config.json'), 'utf8').catch((error: unknown) => {
    throw new GodwitError('E_CONFIG', `${bundle} holds no config.json`, { cause: error });
  });
  const config = parseJson(ociConfigSchema, text, `${bundle}/config.json`);
  const rootfs = join(bundle, 'rootfs');
  return { config, digest: await addImage(paths, rootfs), rootfs: await realpath(rootfs) };
}

/** The bundle's or image's configuration with the flags of `godwit run` applied; pure. */
export function configWith(config: OciConfig, options: z.infer<typeof runOptionsSchema>): Record<string, unknown> {
  const process = (config.process ?? {}) as { env?: string[]; args?: string[] };
  const env = Object.entries(options.env).map(([key, value]) => `${key}=${value}`);
  const kept = (process.env ?? []).filter((line) => !((line.split('=')[0] ?? '') in options.env));
  const resources = {
    ...((config.linux?.resources as object | undefined) ?? {}),
    ...(options.cpus !== undefined && { cpu: { quota: Math.round(options.cpus * cpuPeriodUs), period: cpuPeriodUs } }),
    ...(options.memoryBytes !== undefined && { memory: { limit: options.memoryBytes } }),
  };
  return {
    ...config,
    process: { ...config.process, env: [...kept, ...env], ...(options.args.length > 0 && { args: options.args }) },
    linux: { ...config.linux, resources },
  };
}

/** Stops a workload and removes what Godwit keeps of it. @throws E_UNKNOWN_WORKLOAD, E_BUSY while a migration is at it */
export async function dropWorkload(name: string, options: { graceMs: number }, deps: SuperviseDeps): Promise<void> {
  const managed = await readManaged(deps.paths, name);
  const container = await readContainer(deps.paths.runcRoot, name);
  if (!managed && !container) throw new GodwitError('E_UNKNOWN_WORKLOAD', `no workload named ${name} is on this node`);
  const journals = (await openJournals(deps.paths, deps.clock.now)).all();
  const lost = journals.some((journal) => isLostCopy(journal, name));
  const boot = await bootToken(deps.paths);
  const owner = journals.find((journal) => claims(journal, name, boot));
  if (!lost && (managed?.state === 'inbound' || owner))
    throw new GodwitError('E_BUSY', `${name} is being moved`, {
      next: owner
        ? `godwit describe migration ${owner.migration}; godwit resolve ${owner.migration}`
        : 'godwit get migrations',
    });
  if (managed) await writeManaged(deps.paths, { ...managed, state: 'stopped' });
  if (container) await stopContainer(container, options.graceMs, deps);
  if (managed?.spec.address) await deps.address.drop(name, managed.spec.address);
  await removeWorkload(name, deps);
}
