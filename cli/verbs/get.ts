import { z } from 'zod';
import { exitCodes } from '../exit.ts';
import { countFlag, parseFlags } from '../flags.ts';
import { type Hub, withHub } from '../hub-client.ts';
import type { Io, Verb } from '../io.ts';
import { type KindName, kindFlag } from '../kinds/kinds.ts';
import type { Resource } from '../kinds/resource.ts';
import { createPrinter, outputFlags } from '../output.ts';
import { unknownName } from '../suggest.ts';

const shape = {
  kind: kindFlag,
  names: z.array(z.string()).default([]),
  watch: z.boolean().default(false),
  limit: countFlag.prefault('50'),
  config: z.string().optional(),
  ...outputFlags,
};
type Flags = z.output<z.ZodObject<typeof shape>>;

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'get');
  await withHub(flags.config, io, async (hub) => {
    switch (flags.kind) {
      case 'nodes':
        return show((await import('../kinds/nodes.ts')).nodes, hub, flags, io);
      case 'workloads':
        return show((await import('../kinds/workloads.ts')).workloads, hub, flags, io);
      case 'migrations':
        return show((await import('../kinds/migrations.ts')).migrations, hub, flags, io);
      case 'decisions':
        return show((await import('../kinds/decisions.ts')).decisions, hub, flags, io);
    }
  });
  return exitCodes.done;
};

async function show<T>(resource: Resource<T>, hub: Hub, flags: Flags, io: Io): Promise<void> {
  const now = io.clock.now();
  const all = await resource.list(hub, flags.names.length > 0 ? Number.MAX_SAFE_INTEGER : flags.limit);
  const rows = select(all, resource, flags);
  const print = createPrinter<T>(io, { ...flags, stream: flags.watch });
  print(resource.kind(now), rows);
  if (rows.length === 0 && !flags.watch) io.err(`No ${flags.kind} found.\n`);
  if (!flags.watch) return;
  for await (const row of changes(resource, hub, now, rows, flags, io)) print(resource.kind(io.clock.now()), [row]);
}

function select<T>(all: T[], resource: Resource<T>, { names, kind }: Flags): T[] {
  if (names.length === 0) return all;
  const { name: nameOf } = resource.kind(0);
  for (const name of names)
    if (!all.some((row) => nameOf(row) === name))
      throw unknownName(resource.unknown, singular(kind), name, all.map(nameOf), `godwit get ${kind}`);
  return all.filter((row) => names.includes(nameOf(row)));
}

/** What differs from what was printed last of the same name. */
async function* changes<T>(
  resource: Resource<T>,
  hub: Hub,
  since: number,
  printed: readonly T[],
  { names }: Flags,
  io: Io,
): AsyncGenerator<T> {
  const { name: nameOf } = resource.kind(0);
  const known = new Map(printed.map((row) => [nameOf(row), resource.fingerprint(row)]));
  for await (const row of resource.changes(hub, since, io.signal)) {
    const name = nameOf(row);
    const fingerprint = resource.fingerprint(row);
    if (known.get(name) === fingerprint || (names.length > 0 && !names.includes(name))) continue;
    known.set(name, fingerprint);
    yield row;
  }
}

const singular = (kind: KindName): string => kind.replace(/s$/, '');
