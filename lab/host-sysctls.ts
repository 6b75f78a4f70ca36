import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readIfPresent } from '../lib/files.ts';
import { parseJson } from '../lib/parse.ts';
import { withLock } from './lock.ts';
import type { LabSettings } from './settings.ts';
import { writeJson } from './state.ts';

/** Values by path. */
type Sysctls = Readonly<Record<string, string>>;

// Where CAP_SYS_RESOURCE is missing, a post-copy dump of a large container fails without these: "tee: Operation not permitted".
const wantedSysctls: Sysctls = {
  '/proc/sys/fs/pipe-user-pages-soft': '0',
  '/proc/sys/fs/pipe-max-size': String(2 ** 30),
};

const formerSchema = z.record(z.string(), z.string());
const lockName = 'sysctls';

/** Sets this machine's sysctls for a lab; the first lab's former values are remembered. */
export function takeSysctls(settings: LabSettings, lab: string, wanted = wantedSysctls): Promise<void> {
  return withLock(lockName, async () => {
    const users = join(settings.sysctlDir, 'users');
    const former = join(settings.sysctlDir, 'former.json');
    await mkdir(users, { recursive: true });
    if ((await readIfPresent(former)) === undefined) await writeJson(former, await readAll(wanted));
    await writeFile(join(users, lab), '');
    for (const [path, value] of Object.entries(wanted)) await writeFile(path, value);
  });
}

/** Gives them their former values back with the last lab, except where somebody else has changed one since. */
export function releaseSysctls(settings: LabSettings, lab: string, wanted = wantedSysctls): Promise<void> {
  return withLock(lockName, async () => {
    const users = join(settings.sysctlDir, 'users');
    await rm(join(users, lab), { force: true });
    if ((await readdir(users).catch(() => [])).length > 0) return;
    const text = await readIfPresent(join(settings.sysctlDir, 'former.json'));
    const former = text === undefined ? {} : parseJson(formerSchema, text, 'former sysctls');
    const present = await readAll(wanted);
    for (const [path, value] of Object.entries(former))
      if (present[path] === wanted[path]) await writeFile(path, value);
    await rm(settings.sysctlDir, { recursive: true, force: true });
  });
}

async function readAll(wanted: Sysctls): Promise<Record<string, string>> {
  const entries = Object.keys(wanted).map(async (path) => [path, (await readFile(path, 'utf8')).trim()] as const);
  return Object.fromEntries(await Promise.all(entries));
}
