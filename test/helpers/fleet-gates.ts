import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FleetNode, readInNode } from './fleet.ts';
import { until } from './until.ts';

// Gates hold a migration at an exact point without a hook in the product: programs that Godwit calls are found first at
// /usr/local/sbin, where a script waits as long as a gate stands whose pattern fits its command line, and then becomes the program.

const programs = ['runc', 'tar', 'ip', 'du', 'mkfifo', 'nsenter', 'ctr'];

const script = `#!/bin/sh
name=\${0##*/}
for gate in /run/gates/*.gate; do
  [ -e "$gate" ] || continue
  while read -r pattern; do
    case "$name $*" in
      $pattern) : >"\${gate%.gate}.reached"; while [ -e "$gate" ]; do sleep 0.02; done ;;
    esac
  done <"$gate"
done
for folder in /usr/sbin /usr/bin /sbin /bin; do [ -x "$folder/$name" ] && exec "$folder/$name" "$@"; done
`;

/** Puts the scripts in place; without gates they change nothing. */
export async function installGates(node: FleetNode): Promise<void> {
  await mkdir(join(node.root, 'run/gates'), { recursive: true });
  for (const program of programs) {
    const file = join(node.root, 'usr/local/sbin', program);
    await writeFile(file, script, { mode: 0o755 });
    await chmod(file, 0o755);
  }
}

export interface Gate {
  /** Resolves when a program waits at it. */
  reached(ms?: number): Promise<void>;
  lift(): Promise<void>;
}

let count = 0;

/** `patterns`: of the shell, each for a program's name and arguments, a blank between. */
export async function closeGate(node: FleetNode, ...patterns: string[]): Promise<Gate> {
  const name = `run/gates/${process.pid}-${count++}`;
  const file = join(node.root, `${name}.gate`);
  await writeFile(file, `${patterns.join('\n')}\n`);
  return {
    reached: async (ms = 30_000) => {
      await until(`${node.name} to come to the gate ${patterns.join()}`, ms, () => hasReached(node, name), 5);
    },
    lift: () => rm(file, { force: true }),
  };
}

const hasReached = async (node: FleetNode, gate: string): Promise<true | undefined> =>
  (await readInNode(node, `${gate}.reached`)) === undefined ? undefined : true;
