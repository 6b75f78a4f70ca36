import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { labDown } from '../../lab/lab.ts';
import { app, cases } from '../../scripts/cases/cases.ts';
import { clearCase, playCase } from '../../scripts/cases/play.ts';
import { type CaseStage, raiseCaseStage } from '../../scripts/cases/stage.ts';
import { bundlesFolder } from '../helpers/fleet.ts';
import { clusterObstacle } from '../helpers/kubernetes.ts';

// Hands-off: nobody asks for a move. Everything is real: API server, kubelets, controllers, decider, monitors, agents and the app.

const lab = `test-${randomBytes(4).toString('hex')}`;
const missing = await clusterObstacle();

describe('the three test cases', () => {
  let stage: CaseStage;

  beforeEach((context) => {
    if (missing) context.skip(missing);
  });
  beforeAll(async () => {
    if (missing) return;
    stage = await raiseCaseStage({ lab, bundles: await bundlesFolder(), tell: (line) => console.log(line) });
  });
  afterAll(async () => {
    await stage?.close();
    await labDown(lab);
  });

  for (const one of cases)
    test(one.what, async () => {
      try {
        const { workload, end, decision, before, after, load, downtimeMs } = await playCase(one, stage);
        console.log(await stage.kubectl(['get', 'migrations']), `${load.answered} pictures; hole ${downtimeMs} ms`);
        expect(end).toMatchObject({
          ...{ result: 'succeeded', trigger: 'overload', strategy: one.strategy },
          ...{ workload, source: 'edge-1', target: 'cloud-1' },
        });
        const reports = Object.fromEntries((decision?.reports ?? []).map(({ stage: name, terms }) => [name, terms]));
        expect(reports.overload).toMatchObject({ kind: one.kind });
        if (one.kind === 'workload') expect(reports.signals?.cpuRatio).toBeLessThan(0.8);

        expect(load).toMatchObject({ failed: 0 });
        expect(after.intact).toBe(true);
        if (one.strategy === 'warm') {
          expect(after.nonce).toBe(before.nonce);
          expect(after.counter).toBeGreaterThan(before.counter);
          expect(after.pictures).toBeGreaterThanOrEqual(before.pictures);
          expect(before.pictures).toBeGreaterThan(0);
        } else expect(after.nonce).not.toBe(before.nonce);

        const pods = await stage.kubectl(['get', 'pods', `--selector=app=${app}`, '--output=json']);
        const { items } = JSON.parse(pods) as { items: PodSeen[] };
        const left = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
        expect(left.map(({ spec }) => spec.nodeName)).toEqual(['cloud-1']);
        expect(left[0]?.metadata.ownerReferences?.[0]?.kind).toBe('ReplicaSet');
      } finally {
        await clearCase(one, stage);
      }
    });
});

interface PodSeen {
  metadata: { deletionTimestamp?: string; ownerReferences?: { kind: string }[] };
  spec: { nodeName: string };
}
