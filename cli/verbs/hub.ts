import { z } from 'zod';
import { systemExec } from '../../lib/exec.ts';
import { createLifecycle } from '../../lib/lifecycle.ts';
import { createLogger } from '../../lib/logger.ts';
import { loadHubConfig } from '../../lib/node-config.ts';
import { findConfig } from '../config-file.ts';
import { exitCodes } from '../exit.ts';
import { choice, parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { findNatsServer } from '../services/nats-binary.ts';
import { hubParts, hubPlan } from '../services/plans.ts';
import { stopGraceMs, supervise } from '../services/supervise.ts';

export const run: Verb = async (input, io) => {
  const only = z.array(choice('part', hubParts)).optional();
  const readyPort = z.coerce.number().int().min(1).max(65_535).optional();
  const flags = parseFlags({ config: z.string().optional(), only, readyPort }, input, 'hub');
  const file = await findConfig('hub.yaml', flags.config, io);
  const config = await loadHubConfig(file);
  const log = createLogger('hub', { level: io.env.GODWIT_LOG_LEVEL ?? 'info' });
  const plan = await hubPlan(config, file, () => findNatsServer(io.env, systemExec), flags.only);
  await supervise(
    { ...plan, readyPort: flags.readyPort },
    { clock: io.clock, log, lifecycle: createLifecycle(log, { graceMs: stopGraceMs }) },
  );
  return exitCodes.done;
};
