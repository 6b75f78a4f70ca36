import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../lib/bus/kv.ts';
import { nodeRecordSchema } from '../../lib/contract/node.ts';
import type { Telemetry } from '../../lib/contract/telemetry.ts';
import { createLogger } from '../../lib/logger.ts';
import { decisionOf, nodeOf } from '../helpers/cli-fixtures.ts';
import { eventually } from '../helpers/eventually.ts';
import { godwit } from '../helpers/godwit.ts';
import { type SecuredSite, startSecuredSite } from '../helpers/secured-site.ts';

const samples = 20;
let site: SecuredSite;
let env: Record<string, string>;
let folder: string;
const run = (...args: string[]) => godwit(args, { env });

const sample = (sequence: number, at: number): Telemetry => ({
  site: 'cloud',
  node: 'cloud-1',
  tier: 'cloud',
  boot: 'b',
  sequence,
  at,
  intervalMs: 1000,
  cpu: { usageCores: 1.5, capacityCores: 2 },
  memory: { usageBytes: 100, capacityBytes: 1000 },
  containers: [{ workload: 'trainer', cpuCores: 1.2, memoryBytes: 90 }],
});

beforeAll(async () => {
  site = await startSecuredSite();
  env = { GODWIT_CONFIG: join(site.dir, 'hub') };
  folder = await mkdtemp(join(tmpdir(), 'godwit-record-'));
  const migrator = await site.connect('edge-1', 'migrator', 'migrator.edge-1');
  const record = nodeOf('edge-1', ['trainer']);
  await (await openStore(migrator, 'nodes', nodeRecordSchema, createLogger('test', { level: 'silent' }))).put(
    'edge-1',
    record,
  );
  const monitor = await site.connect('cloud-1', 'monitor', 'monitor.cloud-1');
  const start = Date.now() - samples * 1000;
  for (let sequence = 0; sequence < samples; sequence++)
    await jetstream(monitor).publish(
      'telemetry.v1.cloud.cloud-1',
      JSON.stringify(sample(sequence, start + sequence * 1000)),
    );
});
afterAll(async () => {
  await site.close();
  await rm(folder, { recursive: true, force: true });
});

describe('record', () => {
  it('writes what the hub holds and what comes, until it is ended; replay reads it', async () => {
    const file = join(folder, 'recording.gz');
    const end = new AbortController();
    const recording = godwit(['record', file, '--since', '1h'], { env, signal: end.signal });
    const again = join(folder, 'again.gz');
    expect(await run('record', again, '--since', '1h', '--for', '2s')).toMatchObject({
      exitCode: 0,
      stdout: `${again}\n`,
      stderr: `${samples} samples recorded\n`,
    });
    end.abort();
    expect(await recording).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining(`${samples} samples recorded`),
    });
    const { stdout } = await godwit(['replay', file, '-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({
      format: 'recording',
      nodes: 1,
      workloads: 1,
      steps: samples,
      intervalMs: 1000,
    });
  });
});

describe('policy test', () => {
  it('replays what the hub holds under both policies', async () => {
    const policy = join(folder, 'policy.yaml');
    await writeFile(policy, 'apiVersion: policy.godwit.dev/v1alpha1\nkind: Policy\nmetadata: { name: other }\n');
    const { stdout, exitCode } = await run('policy', 'test', policy, '--since', '24h', '-o', 'json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      inForce: { steps: samples, policy: expect.stringMatching(/^default /) },
      tested: { steps: samples, policy: expect.stringMatching(/^other /) },
      onlyInForce: [],
      onlyTested: [],
    });
  });

  it('says so where the hub holds nothing of that time', async () => {
    await eventually(async () =>
      (await run('policy', 'test', 'default', '--since', '1ms')).stderr.includes('holds no sample'),
    );
  });
});

describe('why', () => {
  it('answers by the decisions about a workload, and refuses a name that nobody knows', async () => {
    const decider = await site.connect('hub', 'decider', 'decider');
    const stay = decisionOf('d-7', { trigger: 'overload', workload: 'trainer' });
    await jetstream(decider).publish('decision.v1.edge.edge-1', JSON.stringify(stay), { msgID: 'd-7' });
    const { stdout } = await run('why', 'trainer');
    expect(stdout).toMatch(
      /^trainer runs on edge-1, its home\.\nNo decision .* moves it\.\nStays \(\ds ago, d-7\): nothing leaves/,
    );
    expect(JSON.parse((await run('why', 'trainer', '-o', 'json')).stdout)).toMatchObject({ stayed: { id: 'd-7' } });
    expect(await run('why', 'trainr')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('did you mean trainer?'),
    });
  });
});
