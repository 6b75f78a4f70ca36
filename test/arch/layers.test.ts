import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** What each folder may import of ours: the table in AGENTS.md. A folder that is not named here imports what it likes. */
const mayImport: Record<string, readonly string[]> = {
  lib: [],
  apps: [],
  k8s: ['lib'],
  monitor: ['lib'],
  sidecar: ['k8s', 'lib'],
  decider: ['k8s', 'lib'],
  migrator: ['lib'],
  lab: ['lib'],
  cli: ['lib', 'k8s', 'lab', 'monitor', 'sidecar', 'decider', 'migrator'],
};
/** Stands in every folder's way: tests of one part may use the helpers of all. */
const forAll = ['test'];

/** Packages that only the edges of the system may know. */
const confined: Record<string, readonly string[]> = {
  '@kubernetes/client-node': ['k8s'],
  '@peculiar/x509': ['lib'],
  systeminformation: ['monitor'],
};

interface Import {
  file: string;
  specifier: string;
}

async function sourcesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('/node_modules/'));
}

/** Static imports and re-exports, and imports of a literal at run time. */
function specifiersOf(text: string): string[] {
  const statements = text.matchAll(
    /^\s*(?:import|export)\b[^'"`;]*?from\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]/gm,
  );
  const calls = text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g);
  return [...statements, ...calls].map(([, from, bare]) => from ?? bare ?? '');
}

async function importsOf(folder: string): Promise<Import[]> {
  const files = await sourcesBelow(join(root, folder));
  const found = await Promise.all(
    files.map(async (file) =>
      specifiersOf(await readFile(file, 'utf8')).map((specifier) => ({ file: relative(root, file), specifier })),
    ),
  );
  return found.flat();
}

/** Top folder that a relative import leads to. */
const targetOf = ({ file, specifier }: Import): string | undefined =>
  specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)).split('/')[0] : undefined;

const isTest = (file: string): boolean => /\.test\.ts$/.test(file);

function breaches(folder: string, imports: readonly Import[]): string[] {
  return imports
    .filter((one) => {
      const target = targetOf(one);
      if (target === undefined || target === folder) return false;
      return !(mayImport[folder] ?? []).includes(target) && !(isTest(one.file) && forAll.includes(target));
    })
    .map(({ file, specifier }) => `${file} imports ${specifier}`);
}

describe('imports point down only', () => {
  it.each(Object.keys(mayImport))('%s', async (folder) => {
    const imports = await importsOf(folder);
    expect(imports.length, 'there is something to check').toBeGreaterThan(0);
    expect(breaches(folder, imports)).toEqual([]);
  });

  it('is noticed when broken', () => {
    const up = [{ file: 'lib/clock.ts', specifier: '../decider/main.ts' }];
    expect(breaches('lib', up)).toHaveLength(1);
    expect(breaches('monitor', [{ file: 'monitor/a/b.ts', specifier: '../../migrator/main.ts' }])).toHaveLength(1);
    expect(breaches('cli', [{ file: 'cli/a.ts', specifier: '../lab/lab.ts' }])).toEqual([]);
  });
});

describe('packages at the edges', () => {
  it.each(Object.entries(confined))('%s is known to %s alone', async (name, folders) => {
    const others = [...Object.keys(mayImport), 'bench', 'scripts'].filter((folder) => !folders.includes(folder));
    const imports = (await Promise.all(others.map((folder) => importsOf(folder).catch(() => [])))).flat();
    expect(imports.filter(({ specifier }) => specifier === name || specifier.startsWith(`${name}/`))).toEqual([]);
  });
});

describe('imports are read from', () => {
  it.each([
    ["import { a } from './a.ts';", ['./a.ts']],
    ["import type { A } from '../a.ts';", ['../a.ts']],
    ["import {\n  a,\n  b,\n} from './many.ts';", ['./many.ts']],
    ["import './effect.ts';", ['./effect.ts']],
    ["export { a } from './a.ts';", ['./a.ts']],
    ["const a = await import('./lazy.ts');", ['./lazy.ts']],
    ["// from './comment.ts'\nconst text = \"from './text.ts'\";", []],
  ])('%j', (text, specifiers) => {
    expect(specifiersOf(text)).toEqual(specifiers);
  });
});
