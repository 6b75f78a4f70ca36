import { parse } from 'yaml';
import type { Decision } from '../lib/contract/decision.ts';
import type { MigrationEvent } from '../lib/contract/migration.ts';
import type { NodeRecord, Workload } from '../lib/contract/node.ts';
import { type Policy, parsePolicy } from '../lib/contract/policy.ts';
import type { ContainerSample, Telemetry } from '../lib/contract/telemetry.ts';
import type { Signature } from './pipeline/verdict.ts';
import { applyTelemetry } from './world/apply.ts';
import { applyNodeRecord } from './world/apply-node.ts';
import { createWorld, type Flight, type NodeState, type World } from './world/model.ts';

/** Builders for tests of the pure core. */
export const mebibyte = 2 ** 20;
export const gibibyte = 2 ** 30;
/** Some time; the core knows no other than the one it is given. */
export const start = 1_700_000_000_000;

type Fields = { [field: string]: unknown };

/** What the tests count on, whatever the shipped policy says. */
const common: Fields = {
  signals: { timeConstant: '60s' },
  overload: { anomalyCondition: { consecutiveAbnormalities: 5 } },
  victim: { releaseThresholds: { cpu: 0.7 } },
  returnHome: { returnThresholds: { cpu: 0.6 }, stabilizationWindowSeconds: 1800 },
};

/** A policy of the given `spec` in YAML flow form, such as `{ dryRun: true }`, over thresholds that stay the same. */
export function policyOf(spec = '{}'): Policy {
  const document = {
    apiVersion: 'policy.godwit.dev/v1alpha1',
    kind: 'Policy',
    metadata: { name: 'test' },
    spec: merged(common, parse(spec) as Fields),
  };
  const parsed = parsePolicy(JSON.stringify(document));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.policy;
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const merged = (below: Fields, above: Fields): Fields => ({
  ...below,
  ...Object.fromEntries(
    Object.entries(above).map(([field, value]) => {
      const under = below[field];
      return [field, isFields(under) && isFields(value) ? merged(under, value) : value];
    }),
  ),
});

export const workloadOf = (name: string, home: string, more: Partial<Workload> = {}): Workload => ({
  name,
  image: 'sha256:0',
  keeps: 'memory',
  strategy: 'auto',
  migrate: true,
  home,
  priority: 0,
  startedAt: 0,
  ...more,
});

export const recordOf = (name: string, workloads: Workload[], more: Partial<NodeRecord> = {}): NodeRecord => ({
  name,
  site: name.startsWith('cloud') ? 'cloud' : `site-${name}`,
  tier: name.startsWith('cloud') ? 'cloud' : 'edge',
  address: '192.0.2.1',
  engines: ['runc'],
  versions: {},
  capacity: { cores: 4, memoryBytes: 8 * gibibyte },
  workloads,
  updatedAt: start,
  ...more,
});

export const containerOf = (workload: string, cpuCores: number, memoryBytes = 256 * mebibyte): ContainerSample => ({
  workload,
  cpuCores,
  memoryBytes,
});

interface Capacity {
  cores?: number;
  memoryBytes?: number;
}

/** A sample whose usage is the sum of its containers. */
export function sampleOf(
  node: string,
  containers: ContainerSample[],
  more: Partial<Telemetry> & Capacity = {},
): Telemetry {
  const { cores = 4, memoryBytes = 8 * gibibyte, ...rest } = more;
  const cloud = node.startsWith('cloud');
  return {
    site: cloud ? 'cloud' : `site-${node}`,
    node,
    tier: cloud ? 'cloud' : 'edge',
    boot: 'boot',
    sequence: 0,
    at: start,
    intervalMs: 10_000,
    cpu: { usageCores: total(containers, 'cpuCores'), capacityCores: cores },
    memory: { usageBytes: total(containers, 'memoryBytes'), capacityBytes: memoryBytes },
    containers,
    ...rest,
  };
}

const total = (containers: ContainerSample[], key: 'cpuCores' | 'memoryBytes'): number =>
  containers.reduce((sum, container) => sum + container[key], 0);

export function signatureOf(epoch = 1): Signature {
  let ids = 0;
  return { epoch, newId: (prefix) => `${prefix}-${epoch}-${++ids}` };
}

/** The trainer of edge-1 is to move to cloud-1. */
export const decidedMove: Decision = {
  id: 'd-1',
  at: start,
  epoch: 4,
  site: 'site-edge-1',
  node: 'edge-1',
  verdict: 'migrate',
  trigger: 'overload',
  workload: 'trainer',
  source: 'edge-1',
  target: 'cloud-1',
  strategy: 'auto',
  migration: 'm-1',
  dryRun: false,
  policy: { name: 'test', version: '0' },
  sentence: 'trainer moves',
  reports: [],
};

export function eventOf(decision: Decision, more: Partial<MigrationEvent> = {}): MigrationEvent {
  const { id, migration = '', workload = '', source = '', target = '', trigger, epoch, at } = decision;
  return {
    id: migration,
    workload,
    source,
    target,
    strategy: 'auto',
    trigger,
    decision: id,
    epoch,
    term: 1,
    stage: 'ended',
    at: at + 5000,
    result: 'succeeded',
    ...more,
  };
}

export interface Resident extends Partial<Workload> {
  name: string;
  cores: number;
  memoryBytes?: number;
  /** Not in the record of the node's migrator. */
  unknown?: boolean;
}

export interface Inhabited {
  name: string;
  residents: Resident[];
  record?: Partial<NodeRecord>;
  sample?: Partial<Telemetry>;
}

/** A world in which each node has joined and sent one sample. */
export function worldWith(nodes: Inhabited[], policy: Policy = policyOf()): World {
  const world = createWorld(policy);
  for (const { name, residents, record, sample } of nodes) {
    const known = residents.filter(({ unknown }) => !unknown);
    const workloads = known.map(({ name: workload, cores: _, memoryBytes: __, unknown: ___, home = name, ...more }) =>
      workloadOf(workload, home, more),
    );
    applyNodeRecord(world, name, recordOf(name, workloads, record));
    const containers = residents.map((one) => containerOf(one.name, one.cores, one.memoryBytes));
    applyTelemetry(world, sampleOf(name, containers, sample));
  }
  return world;
}

export function nodeOf(world: World, name: string): NodeState {
  const node = world.nodes.get(name);
  if (!node) throw new Error(`no node ${name}`);
  return node;
}

export const flightOf = (workload: string, source: string, target: string, more: Partial<Flight> = {}): Flight => ({
  migration: `m-${workload}`,
  decision: `d-${workload}`,
  workload,
  site: source.startsWith('cloud') ? 'cloud' : `site-${source}`,
  source,
  target,
  requested: { cores: 0, memoryBytes: 0 },
  trigger: 'overload',
  issuedAt: start,
  image: 'sha256:0',
  started: true,
  cores: 0,
  memoryBytes: 0,
  ...more,
});
