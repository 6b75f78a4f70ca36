import { once } from 'node:events';
import { apiAccess } from '../../k8s/access.ts';
import { createKubeClient } from '../../k8s/client.ts';
import { createInformer } from '../../k8s/informer.ts';
import { resources } from '../../k8s/resource.ts';
import { systemClock } from '../../lib/clock.ts';
import { toGodwitError } from '../../lib/errors.ts';
import { createLifecycle } from '../../lib/lifecycle.ts';
import { createLogger } from '../../lib/logger.ts';
import { settingsName, settingsOf, settingsSchema } from '../injection/settings.ts';
import { readConfig } from './config.ts';
import { createKeeper } from './keeper.ts';
import { createWebhookServer } from './server.ts';

const log = createLogger('webhook', { level: process.env.GODWIT_LOG_LEVEL ?? 'info' });
try {
  await main(process.argv.slice(2));
} catch (error) {
  const { code, message } = toGodwitError(error, 'E_SETUP', 'the webhook could not start');
  log.fatal({ code, err: error }, message);
  process.exitCode = code === 'E_CONFIG' ? 2 : 1;
}

async function main(args: string[]): Promise<void> {
  const config = await readConfig(args, process.env);
  const { namespace, service, lookEveryMs, authorityDays, servingDays } = config;
  const client = createKubeClient(await apiAccess(config.kubeconfig));
  const lifecycle = createLifecycle(log);
  const tools = { clock: systemClock, log };
  const informer = createInformer({
    ...{ client, resource: resources.configMaps, schema: settingsSchema, random: Math.random },
    selection: { namespace, fieldSelector: `metadata.name=${settingsName}` },
    ...tools,
  });
  const settings = () => informer.list().map(settingsOf).at(0);
  const server = createWebhookServer({ settings, log });
  const keeper = createKeeper({
    ...{ client, configuration: config.configuration, lookEveryMs, lifetimes: { authorityDays, servingDays } },
    secret: { namespace, name: service },
    serverName: `${service}.${namespace}.svc`,
    use: ({ certificate, key }) => server.setSecureContext({ cert: certificate, key }),
    ...tools,
  });
  const running = [informer.run(lifecycle), keeper.run(lifecycle)];
  server.listen(config.listen);
  await once(server, 'listening');
  log.info(config.listen, 'listening');
  lifecycle.onClose({ name: 'loops', close: () => Promise.all(running).then(() => undefined) });
  lifecycle.onClose({
    name: 'server',
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  });
  await lifecycle.done();
}
