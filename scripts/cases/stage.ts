import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { connectBus } from '../../lib/bus/connect.ts';
import { createLogger, type Logger } from '../../lib/logger.ts';
import { tlsFiles } from '../../lib/node-config.ts';
import { type DemoCluster, raiseDemoCluster } from '../demo/cluster.ts';
import type { StageOptions } from '../demo/stage.ts';
import { followFleet, type Timeline } from '../demo/timeline.ts';
import { app } from './cases.ts';

/** A cluster in which the cases are played one after the other. */
export interface CaseStage extends DemoCluster {
  connection: NatsConnection;
  timeline: Timeline;
  log: Logger;
  tell(line: string): void;
  close(): Promise<void>;
}

/** The lab stays when this fails, and after `close`. */
export async function raiseCaseStage({ lab, bundles, tell }: Omit<StageOptions, 'policy'>): Promise<CaseStage> {
  const policy = await readFile(join(import.meta.dirname, 'policy.yaml'), 'utf8');
  const cluster = await raiseDemoCluster({ lab, bundles, policy, tell }, [app]);
  const log = createLogger('cases', { level: 'error' });
  const hub = cluster.fleet.lab.nodes.find(({ kind }) => kind === 'hub')?.address ?? '';
  const connection = await connectBus({
    servers: [`tls://${hub}:4222`],
    user: 'operator',
    tls: tlsFiles(cluster.fleet.operator, 'operator'),
    log,
  });
  const stopped = new AbortController();
  return {
    ...cluster,
    connection,
    timeline: followFleet(connection, tell, log, stopped.signal),
    log,
    tell,
    close: async () => {
      stopped.abort();
      await connection.close();
    },
  };
}
