import { z } from 'zod';
import { systemExec } from '../../lib/exec.ts';
import { createLifecycle } from '../../lib/lifecycle.ts';
import { createLogger } from '../../lib/logger.ts';
import { loadNodeConfig } from '../../lib/node-config.ts';
import { findConfig } from '../config-file.ts';
import { exitCodes } from '../exit.ts';
import { choice, parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { findNatsServer } from '../services/nats-binary.ts';
import { agentParts, agentPlan } from '../services/plans.ts';
import { stopGraceMs, supervise } from '../services/supervise.ts';

export const run: Verb = async (input, io) => {
  const only = z.array(choice('part', agentParts)).optional();
  const readyPort = z.coerce.number().int().min(1).max(65_535).optional();
  const flags = parseFlags({ config: z.string().optional(), only, readyPort }, input, 'agent');
  const file = await findConfig('node.yaml', flags.config, io);
  const config = await loadNodeConfig(file);
  const log = createLogger('agent', { level: io.env.GODWIT_LOG_LEVEL ?? 'info', bindings: { node: config.name } });
  const plan = await agentPlan(config, file, () => findNatsServer(io.env, systemExec), flags.only);
  await supervise(
    { ...plan, readyPort: flags.readyPort },
    { clock: io.clock, log, lifecycle: createLifecycle(log, { graceMs: stopGraceMs }) },
  );
  return exitCodes.done;
};
