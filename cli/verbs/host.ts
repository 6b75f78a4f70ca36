import { resolve } from 'node:path';
import { z } from 'zod';
import { systemExec } from '../../lib/exec.ts';
import { createLifecycle } from '../../lib/lifecycle.ts';
import { createLogger } from '../../lib/logger.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import { endFormerAgent, runAgent } from '../host/agent.ts';
import { makeNodeGroup, removeNodeGroup } from '../host/group.ts';
import { type Host, installFiles, installHandler, remove } from '../host/install.ts';
import { isRemoved } from '../host/removal.ts';
import { handToken } from '../host/token.ts';
import type { Verb } from '../io.ts';

const path = z.string().regex(/^\//, 'an absolute path');
const shape = {
  daemonset: z.string(),
  prefix: path.default('/opt/godwit'),
  containerdConfig: path.default('/etc/containerd/config.toml'),
  rendered: z.boolean().default(false),
  unit: z.string().optional(),
  config: path.default('/etc/godwit'),
};

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'host');
  const logLevel = io.env.GODWIT_LOG_LEVEL ?? 'info';
  const log = createLogger('host', { level: logLevel });
  const host: Host = {
    root: '/proc/1/root',
    source: resolve(import.meta.dirname, '../..'),
    node: process.execPath,
    prefix: flags.prefix,
    containerdConfig: flags.containerdConfig,
    rendered: flags.rendered,
    unit: flags.unit,
    secrets: flags.config,
    settings: '/etc/godwit',
    exec: systemExec,
    log,
  };
  const { signal } = createLifecycle(log);
  await installFiles(host);
  await installHandler(host);
  await endFormerAgent(host, io.clock);
  const groupFiles = await makeNodeGroup(host.root);
  const handing = new AbortController();
  const handed = handToken(host, { clock: io.clock, signal: handing.signal });
  const env = { GODWIT_LOG_LEVEL: logLevel };
  await runAgent(host, { groupFiles, env }, signal).finally(() => handing.abort());
  await handed;
  if (!(await isRemoved(flags.daemonset, io.env))) return exitCodes.done;
  await remove(host);
  await removeNodeGroup(host.root, groupFiles);
  return exitCodes.done;
};
