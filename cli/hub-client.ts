import { dirname, resolve } from 'node:path';
import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { connectBus } from '../lib/bus/connect.ts';
import { openStore, type Store } from '../lib/bus/kv.ts';
import { viaHub } from '../lib/bus/streams.ts';
import { type NodeRecord, nodeRecordSchema } from '../lib/contract/node.ts';
import { type SagaState, sagaStateSchema } from '../lib/contract/saga.ts';
import { GodwitError } from '../lib/errors.ts';
import { createLogger, type Logger } from '../lib/logger.ts';
import { readYaml, tlsFiles } from '../lib/node-config.ts';
import { parseAs } from '../lib/parse.ts';
import { findConfig } from './config-file.ts';
import type { Io } from './io.ts';

/** `operator.yaml`: how people reach the hub. */
const operatorConfigSchema = z.strictObject({
  servers: z.array(z.string()).min(1),
  /** Folder of ca.crt, operator.crt and operator.key. */
  pki: z.string().default('.'),
});

const firstAnswerMs = 5000;

/** The hub as the operator sees it. */
export interface Hub {
  connection: NatsConnection;
  js: JetStreamClient;
  log: Logger;
  nodes(): Promise<Store<NodeRecord>>;
  migrations(): Promise<Store<SagaState>>;
}

/** Connects as the operator for as long as `use` takes. @throws E_SETUP, E_CONFIG, E_BUS */
export async function withHub<T>(config: string | undefined, io: Io, use: (hub: Hub) => Promise<T>): Promise<T> {
  const file = await findConfig('operator.yaml', config, io);
  const operator = parseAs(operatorConfigSchema, await readYaml(file), file, 'E_CONFIG');
  const log = createLogger('godwit', { level: io.env.GODWIT_LOG_LEVEL ?? 'error' });
  const connection = await connectOrExplain(operator.servers, resolve(dirname(file), operator.pki), log);
  try {
    return await use({
      connection,
      js: jetstream(connection, viaHub()),
      log,
      nodes: () => openStore(connection, 'nodes', nodeRecordSchema, log),
      migrations: () => openStore(connection, 'migrations', sagaStateSchema, log),
    });
  } finally {
    await connection.close();
  }
}

async function connectOrExplain(servers: string[], pki: string, log: Logger): Promise<NatsConnection> {
  try {
    return await connectBus({ servers, user: 'operator', tls: tlsFiles(pki, 'operator'), log, firstAnswerMs });
  } catch (error) {
    throw new GodwitError('E_BUS', `the hub can not be reached at ${servers.join(', ')}`, {
      cause: error,
      next: 'does `godwit hub` run there, and is operator.yaml that of its authority? GODWIT_LOG_LEVEL=debug tells more',
    });
  }
}
