import type { NatsConnection } from '@nats-io/transport-node';
import type { Registry } from '@prometheus-io/client';
import type { KubeClient } from '../k8s/client.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';

/** One of the cluster's controllers. It runs only while this process leads. */
export interface Controller {
  name: string;
  /** Works until `signal` is aborted: this process leads no more, or ends. A failure ends the process. */
  run(options: { signal: AbortSignal }): Promise<void>;
}

/** What all controllers get. */
export interface ControllerTools {
  client: KubeClient;
  connection: NatsConnection;
  /** Namespace of the product. */
  namespace: string;
  /** Repository through which pods move as images; undefined: they do not. */
  checkpoints?: string | undefined;
  /** Names this process: the Lease's holder. */
  instance: string;
  /** The leader's term now; undefined: it leads no more. */
  epoch(): number | undefined;
  registry: Registry;
  clock: Clock;
  /** 0 to 1. */
  random(): number;
  log: Logger;
}
