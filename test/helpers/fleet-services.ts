import { jetstream } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { viaHub } from '../../lib/bus/streams.ts';
import { type FleetNode, readInNode, type TestFleet } from './fleet.ts';
import { until } from './until.ts';

export type ServiceName = 'nats' | 'decider' | 'sidecar' | 'monitor' | 'migrator';

interface Running {
  /** In the node. */
  pid: number;
  restarts: number;
  command: string[];
}

/** A process of `godwit hub` or `godwit agent`, as its supervisor has written it down. */
export async function serviceOf(node: FleetNode, name: ServiceName): Promise<Running | undefined> {
  const text = await readInNode(
    node,
    node.kind === 'hub' ? 'run/godwit/hub/services.json' : 'run/godwit/services.json',
  );
  const { services } = JSON.parse(text ?? '{"services":[]}') as { services: (Running & { name: string })[] };
  return services.find((service) => service.name === name);
}

/** The command line that the supervisor runs. */
export async function commandOf(node: FleetNode, name: ServiceName): Promise<string[]> {
  const service = await serviceOf(node, name);
  if (!service) throw new Error(`${node.name} runs no ${name}`);
  return service.command;
}

export async function signalService(
  fleet: TestFleet,
  where: string,
  name: ServiceName,
  signal: 'KILL' | 'STOP' | 'CONT',
): Promise<void> {
  const service = await serviceOf(fleet.node(where), name);
  if (!service) throw new Error(`${where} runs no ${name}`);
  await fleet.exec(where, ['kill', `-${signal}`, String(service.pid)]);
}

/** kill -9; resolves when the process is gone. Starting it again is its supervisor's work. */
export async function killService(fleet: TestFleet, where: string, name: ServiceName): Promise<void> {
  const node = fleet.node(where);
  const service = await serviceOf(node, name);
  if (!service) throw new Error(`${where} runs no ${name}`);
  await fleet.exec(where, ['kill', '-KILL', String(service.pid)]);
  await until(`${name} on ${where} to be gone`, 5000, async () => {
    const stat = await readInNode(node, `proc/${service.pid}/stat`);
    return stat === undefined || / Z /.test(stat) || undefined;
  });
}

/** Resolves when every worker's migrator has joined and the decider leads. */
export async function untilReady(fleet: TestFleet): Promise<void> {
  await until('all nodes to join and a decider to lead', 60_000, async () => {
    const kvm = new Kvm(jetstream(fleet.operator, viaHub()));
    const nodes = await kvm.open('nodes');
    const joined = await Promise.all(fleet.workers.map(({ name }) => nodes.get(name)));
    const lease = await (await kvm.open('leases')).get('decider');
    return (lease?.operation === 'PUT' && joined.every((entry) => entry?.operation === 'PUT')) || undefined;
  });
}
