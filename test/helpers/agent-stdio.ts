import { createInterface } from 'node:readline';
import { systemClock } from '../../lib/clock.ts';
import { type Verb, verbSchema } from '../../lib/contract/agent.ts';
import { toGodwitError } from '../../lib/errors.ts';
import { systemExec } from '../../lib/exec.ts';
import { createKeyedQueue } from '../../lib/keyed-queue.ts';
import { createLogger } from '../../lib/logger.ts';
import { loadNodeConfig, tlsFiles } from '../../lib/node-config.ts';
import { createAgent } from '../../migrator/agent/agent.ts';
import { bootToken } from '../../migrator/agent/boot.ts';
import type { AgentContext } from '../../migrator/agent/context.ts';
import { ensureImagesMount } from '../../migrator/agent/images-mount.ts';
import { openJournals } from '../../migrator/agent/journal.ts';
import { createDataClient } from '../../migrator/files/data-client.ts';
import { serveData } from '../../migrator/files/data-server.ts';
import { createAddressMover, prepareNode } from '../../migrator/network/address.ts';
import { pathsOf } from '../../migrator/paths.ts';
import { createContainerHost } from '../../migrator/workloads/host.ts';
import { runWorkload } from '../../migrator/workloads/run.ts';

// An agent without a bus: reads {verb, request} lines from stdin and answers with one line each. `run` starts a workload.
const node = await loadNodeConfig('/etc/godwit/node.yaml');
const log = createLogger('agent', { level: 'warn' });
const paths = pathsOf(node);
await prepareNode(node.network.device);
await ensureImagesMount(paths, 4 * 2 ** 30, systemExec);
const known = {
  config: node,
  paths,
  journals: await openJournals(paths, Date.now),
  exec: systemExec,
  clock: systemClock,
  log,
  address: createAddressMover(node.network, systemExec),
  starts: createKeyedQueue(),
  data: await createDataClient(tlsFiles(node.pki, 'data')),
  engine: { exec: systemExec, clock: systemClock, log, runcRoot: paths.runcRoot, tls: tlsFiles(node.pki, 'pages') },
  boot: await bootToken(paths),
};
const context: AgentContext = { ...known, host: createContainerHost(known) };
const agent = createAgent(context);
await serveData({ port: node.data.port, tls: tlsFiles(node.pki, 'data'), log, accept: agent.upload });
process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { verb, request } = JSON.parse(line);
  const started = performance.now();
  try {
    const result =
      verb === 'start' ? await runWorkload(request, context) : await agent.ask(verbSchema.parse(verb) as Verb, request);
    process.stdout.write(`${JSON.stringify({ ok: true, ms: performance.now() - started, result: result ?? null })}\n`);
  } catch (thrown) {
    const error = toGodwitError(thrown, 'E_EXEC', verb);
    process.stdout.write(`${JSON.stringify({ ok: false, error: { code: error.code, message: error.message } })}\n`);
  }
}
process.exit(0);
