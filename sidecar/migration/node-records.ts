import { type JsMsg, jetstream } from '@nats-io/jetstream';
import { readStream } from '../../lib/bus/read-stream.ts';
import { viaHub } from '../../lib/bus/streams.ts';
import { type NodeRecord, nodeRecordSchema } from '../../lib/contract/node.ts';
import { parseJson } from '../../lib/parse.ts';
import type { ControllerTools } from '../controller.ts';

export interface NodeRecords {
  get(node: string): NodeRecord | undefined;
  run(options: { signal: AbortSignal }): Promise<void>;
}

const prefix = '$KV.nodes.';

/** What the agents say of their nodes, kept up to date; `onChange` is told after each change. */
export function watchNodeRecords(
  { connection, clock, log }: Pick<ControllerTools, 'connection' | 'clock' | 'log'>,
  onChange: () => void,
): NodeRecords {
  const records = new Map<string, NodeRecord>();
  const take = (message: JsMsg): void => {
    const name = message.subject.slice(prefix.length);
    try {
      if (['DEL', 'PURGE'].includes(message.headers?.get('KV-Operation') ?? '')) records.delete(name);
      else records.set(name, parseJson(nodeRecordSchema, message.data, message.subject));
      onChange();
    } catch (error) {
      log.error({ err: error, node: name }, 'record of a node does not fit its schema');
    }
  };
  return {
    get: (node) => records.get(node),
    run: async ({ signal }) => {
      const js = jetstream(connection, viaHub());
      for await (const message of readStream(js, 'KV_nodes', { clock, log, signal })) take(message);
    },
  };
}
