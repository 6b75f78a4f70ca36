import type { Io } from '../io.ts';
import { createPrinter, type OutputOptions } from '../output.ts';
import { unknownName } from '../suggest.ts';
import type { Resource } from './resource.ts';

/** What `get` is asked for. */
export interface Listing<Source> extends OutputOptions {
  source: Source;
  /** The command that people type. */
  program: string;
  /** Such as `nodes`. */
  kind: string;
  /** All when empty. */
  names: readonly string[];
  limit: number;
  watch: boolean;
}

/** Prints objects of one kind and, with `watch`, goes on with what changes. @throws the resource's code for a name that is not there */
export async function show<T, S>(resource: Resource<T, S>, listing: Listing<S>, io: Io): Promise<void> {
  const { source, names, limit, watch, kind } = listing;
  const now = io.clock.now();
  const all = await resource.list(source, names.length > 0 ? Number.MAX_SAFE_INTEGER : limit);
  const rows = select(all, resource, listing);
  const print = createPrinter<T>(io, { ...listing, stream: watch });
  print(resource.kind(now), rows);
  if (rows.length === 0 && !watch) io.err(`No ${kind} found.\n`);
  if (!watch) return;
  for await (const row of changes(resource, listing, now, rows, io)) print(resource.kind(io.clock.now()), [row]);
}

function select<T, S>(all: T[], resource: Resource<T, S>, { names, kind, program }: Listing<S>): T[] {
  if (names.length === 0) return all;
  const { name: nameOf } = resource.kind(0);
  for (const name of names)
    if (!all.some((row) => nameOf(row) === name))
      throw unknownName(resource.unknown, singular(kind), name, all.map(nameOf), `${program} get ${kind}`);
  return all.filter((row) => names.includes(nameOf(row)));
}

/** What differs from what was printed last of the same name. */
async function* changes<T, S>(
  resource: Resource<T, S>,
  { source, names }: Listing<S>,
  since: number,
  printed: readonly T[],
  io: Io,
): AsyncGenerator<T> {
  const { name: nameOf } = resource.kind(0);
  const known = new Map(printed.map((row) => [nameOf(row), resource.fingerprint(row)]));
  for await (const row of resource.changes(source, since, io.signal)) {
    const name = nameOf(row);
    const fingerprint = resource.fingerprint(row);
    if (known.get(name) === fingerprint || (names.length > 0 && !names.includes(name))) continue;
    known.set(name, fingerprint);
    yield row;
  }
}

const singular = (kind: string): string => kind.replace(/s$/, '');
