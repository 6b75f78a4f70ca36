import { connectBus } from '../lib/bus/connect.ts';
import { openStore } from '../lib/bus/kv.ts';
import { systemClock } from '../lib/clock.ts';
import { nodeRecordSchema } from '../lib/contract/node.ts';
import { messageOf } from '../lib/errors.ts';
import { systemExec } from '../lib/exec.ts';
import { createKeyedQueue } from '../lib/keyed-queue.ts';
import { createLifecycle } from '../lib/lifecycle.ts';
import { createLogger } from '../lib/logger.ts';
import { serveMetrics } from '../lib/metrics.ts';
import { tlsFiles } from '../lib/node-config.ts';
import { createAgent } from './agent/agent.ts';
import { bootToken } from './agent/boot.ts';
import type { AgentContext } from './agent/context.ts';
import { ensureImagesMount } from './agent/images-mount.ts';
import { openJournals } from './agent/journal.ts';
import { serveAgent } from './agent/serve.ts';
import { settle } from './agent/settle.ts';
import { readConfig } from './config.ts';
import { startDriver } from './driver/driver.ts';
import { imageProgramVersion, toolVersions } from './engine/versions.ts';
import { every } from './every.ts';
import { createDataClient } from './files/data-client.ts';
import { serveData } from './files/data-server.ts';
import { openHosting } from './hosting.ts';
import { createMetrics } from './metrics.ts';
import { createAddressMover, prepareNode } from './network/address.ts';
import { pathsOf } from './paths.ts';
import { createRecordPublisher } from './workloads/record.ts';

const { node, logLevel, capacity } = await readConfig(process.argv.slice(2), process.env);
const log = createLogger('migrator', { level: logLevel, bindings: { node: node.name } });
const lifecycle = createLifecycle(log);
const clock = systemClock;
const exec = systemExec;
const paths = pathsOf(node);
const dataTls = tlsFiles(node.pki, 'data');

if (node.engine === 'runc') await prepareNode(node.network.device);
await ensureImagesMount(paths, capacity.memoryBytes, exec);
const data = await createDataClient(dataTls);
lifecycle.onClose({ name: 'data client', close: () => data.close() });
const address = createAddressMover(node.network, exec);
const journals = await openJournals(paths, clock.now);
const known = {
  config: node,
  paths,
  journals,
  exec,
  clock,
  log,
  address,
  starts: createKeyedQueue(),
  data,
  engine: { exec, clock, log, runcRoot: paths.runcRoot, tls: tlsFiles(node.pki, 'pages') },
  boot: await bootToken(paths),
};
let publishRecord = async (): Promise<void> => {};
const publish = (): Promise<void> => publishRecord().catch(complain('publishing the node record'));
const hosting = await openHosting(known, () => void publish());
lifecycle.onClose({ name: 'hosting', close: hosting.close });
const context: AgentContext = { ...known, host: hosting.host };
const agent = createAgent(context);
const server = await serveData({ port: node.data.port, tls: dataTls, log, accept: agent.upload });
lifecycle.onClose({ name: 'data server', close: () => server.closeAllConnections() });

const user = `migrator.${node.name}`;
const connection = await connectBus({ servers: node.nats.servers, user, tls: tlsFiles(node.pki, 'migrator'), log });
lifecycle.onClose({ name: 'bus', close: () => connection.drain() });
const metrics = createMetrics(journals.all);
if (node.migrator.metricsPort !== undefined) {
  const endpoint = await serveMetrics(metrics.registry, { ready: () => true }, { port: node.migrator.metricsPort });
  lifecycle.onClose({ name: 'metrics', close: () => void endpoint.close() });
}
const options = { clock, signal: lifecycle.signal };
serveAgent(connection, context, agent, publish);
const loops = [
  hosting.run(connection, options),
  every(500, () => settle(context, agent, connection), { ...options, onError: complain('settling') }),
  publishRecords(),
];
lifecycle.onClose(
  startDriver({
    connection,
    node: node.name,
    clock,
    random: Math.random,
    log,
    signal: lifecycle.signal,
    onTold: metrics.told,
  }),
);
log.info({ site: node.site, capacity }, 'migrator ready');
await lifecycle.done();
await Promise.allSettled(loops);
process.exit(0);

function complain(what: string): (error: unknown) => void {
  return (error) => log.warn({ reason: messageOf(error) }, `${what} failed; trying again`);
}

async function publishRecords(): Promise<void> {
  const image = node.imagePath && { 'godwit-image': await imageProgramVersion() };
  const versions = { ...(await toolVersions(exec)), ...image };
  const store = await openStore(connection, 'nodes', nodeRecordSchema, log);
  publishRecord = createRecordPublisher({
    config: node,
    clock,
    store,
    capacity,
    versions,
    workloads: hosting.workloads,
    ...(hosting.inbound && { inbound: hosting.inbound }),
  });
  await every(1000, publishRecord, { ...options, onError: complain('publishing the node record') });
}
