import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../cli/exit.ts';
import { buildClusterProgram } from '../../cli/program/cluster.ts';
import { buildProgram } from '../../cli/program/program.ts';
import { systemClock } from '../../lib/clock.ts';
import { errorCodes } from '../../lib/errors.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string): Promise<string> => readFile(resolve(root, path), 'utf8');

describe('docs/reference/errors.md', () => {
  it.each(Object.keys(errorCodes) as (keyof typeof errorCodes)[])('explains %s with its exit code', async (code) => {
    const line = (await read('docs/reference/errors.md')).split('\n').find((row) => row.startsWith(`| \`${code}\``));
    expect(line?.split('|').at(-2)?.trim()).toBe(String(exitCodeOf(code)));
  });
});

describe('docs/reference/dependencies.md', () => {
  it.each(['package.json', 'apps/package.json'])('gives a reason for each package of %s', async (file) => {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(await read(file));
    const text = await read('docs/reference/dependencies.md');
    const unnamed = Object.keys({ ...dependencies, ...devDependencies }).filter(
      (name) => !text.includes(`\`${name}\``),
    );
    expect(unnamed).toEqual([]);
  });

  it('goes with exact versions', async () => {
    const { dependencies, devDependencies } = JSON.parse(await read('package.json'));
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(-\S+)?$/);
  });
});

describe('docs/reference/metrics.md', () => {
  it.each(['decider', 'migrator'])('names every metric of the %s', async (part) => {
    const code = await read(`${part}/metrics.ts`);
    const names = [...code.matchAll(/(?:name|gauge|seconds)\(\s*'([a-z_]+)'/g)].map(
      ([, rest]) => `godwit_${part}_${rest}`,
    );
    expect(names.length).toBeGreaterThan(5);
    const text = await read('docs/reference/metrics.md');
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('docs/reference/cli.md', () => {
  const io = { out: () => undefined, err: () => undefined, env: {}, clock: systemClock, signal: AbortSignal.abort() };
  const commands = [
    ...allBelow(
      buildProgram(io, () => undefined),
      'godwit',
    ),
    ...allBelow(
      buildClusterProgram(io, () => undefined),
      'kubectl-godwit',
    ),
  ];

  it.each(commands)('knows %s and its flags', async (path, command) => {
    const text = await read('docs/reference/cli.md');
    const words = path.split(' ').slice(1);
    expect(words.filter((word) => !new RegExp(`\\b${word}\\b`).test(text))).toEqual([]);
    const flags = command.options
      .map((option) => option.long)
      .filter((flag) => flag !== undefined && !text.includes(flag));
    expect(flags).toEqual([]);
  });
});

function allBelow(command: Command, path: string): [string, Command][] {
  return command.commands.flatMap((child) => {
    const name = `${path} ${child.name()}`;
    return child.commands.length > 0 ? allBelow(child, name) : [[name, child] as [string, Command]];
  });
}
