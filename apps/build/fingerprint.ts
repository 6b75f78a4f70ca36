import { hash } from 'node:crypto';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A digest of all that a bundle is made of: the files under `folders` but tests and installed packages, and `more`. */
export async function fingerprint(folders: readonly string[], more: readonly string[]): Promise<string> {
  const lines: string[] = [];
  for (const folder of folders) {
    for await (const entry of glob('**/*', { cwd: folder, withFileTypes: true, exclude: skipped })) {
      if (!entry.isFile() || skipped(entry)) continue;
      const path = join(entry.parentPath, entry.name);
      lines.push(`${path.slice(folder.length)} ${hash('sha256', await readFile(path))}`);
    }
  }
  return hash('sha256', [...lines.sort(), ...more].join('\n')).slice(0, 32);
}

function skipped({ name }: { name: string }): boolean {
  return name === 'node_modules' || name.endsWith('.test.ts');
}
