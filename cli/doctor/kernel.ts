import { readFile } from 'node:fs/promises';
import { capSysResource, hasCapability } from '../../lib/capabilities.ts';
import { attempt, type Check, ok, warning } from './check.ts';

/** A post-copy dump of a large container fills many pipes; CAP_SYS_RESOURCE lifts the limits as well. */
export const pipeLimits: Check = async ({ hub, node }) => {
  if (hub && !node) return [];
  const soft = await number('/proc/sys/fs/pipe-user-pages-soft');
  const size = await number('/proc/sys/fs/pipe-max-size');
  const found = `fs.pipe-user-pages-soft=${soft}, fs.pipe-max-size=${size}`;
  if (soft === 0 || (await hasCapability(capSysResource))) return [ok('pipe limits', found)];
  return [warning('pipe limits', found, 'sysctl fs.pipe-user-pages-soft=0 fs.pipe-max-size=1073741824')];
};

const number = async (path: string): Promise<number> => Number((await readFile(path, 'utf8')).trim());

/** Freeze times are differences of two nodes' clocks, and certificates have dates. */
export const clockInStep: Check = async ({ exec, clock }) => {
  const { ok: answered, said } = await attempt(exec, 'timedatectl', ['show', '-p', 'NTPSynchronized', '--value']);
  const now = new Date(clock.now()).toISOString();
  if (answered && said === 'no')
    return [warning('clock', `${now}, not synchronized`, 'start chrony or systemd-timesyncd')];
  return [ok('clock', answered ? `${now}, synchronized` : `${now}, whether synchronized is not known here`)];
};
