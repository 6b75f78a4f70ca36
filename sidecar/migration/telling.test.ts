import { describe, expect, test } from 'vitest';
import { migrationEventSchema } from '../../lib/contract/migration.ts';
import { aMigration, bornAt, observed, uid } from './fixtures.ts';
import type { Observed } from './observed.ts';
import { accepted, ended, prepared } from './status.ts';
import { tellsOf } from './telling.ts';

const now = bornAt + 1000;
const ofDecider = (status = aMigration().status): Observed => {
  const migration = aMigration(status);
  return observed({
    migration: { ...migration, spec: { ...migration.spec, id: 'm-1', decision: 'd-1', trigger: 'overload' } },
  });
};
const judged = accepted(ofDecider(), { source: 'edge-1', workload: 'shop.web' });

describe('a Migration', () => {
  test('that was accepted keeps the reservation of its decider', () => {
    const told = tellsOf(ofDecider(), judged, 7);
    expect(told).toMatchObject({ subject: 'migration.v1.plant.event.m-1.requested', id: 'm-1.requested.0' });
    expect(migrationEventSchema.parse(told?.event)).toEqual({
      ...{ id: 'm-1', decision: 'd-1', workload: 'shop.web', source: 'edge-1', target: 'cloud-1' },
      ...{ strategy: 'auto', trigger: 'overload', epoch: 7, term: 0, stage: 'requested', at: now },
    });
  });

  test.each(['Refused', 'RolledBack'] as const)('that is %s before it was commanded ends it', (phase) => {
    const seen = ofDecider(judged);
    const told = tellsOf(seen, ended(seen, phase, 'the budget says no'), 7);
    expect(told).toMatchObject({ subject: 'migration.v1.plant.event.m-1.ended', id: 'm-1.ended' });
    expect(migrationEventSchema.parse(told?.event)).toMatchObject({ result: 'refused', reason: 'the budget says no' });
  });

  test('of a pod that is nowhere is told all the same', () => {
    const records = { source: undefined, target: undefined };
    const seen = { ...ofDecider(), source: undefined, records };
    const told = tellsOf(seen, ended(seen, 'Refused', 'there is no pod'), 7);
    expect(migrationEventSchema.parse(told?.event)).toMatchObject({ workload: 'shop.web', source: 'unknown' });
  });

  test('that has taken the id of another one tells nothing under it', () => {
    const seen = { ...ofDecider(), namesake: aMigration(judged, { namespace: 'other', uid: 'x' }) };
    expect(tellsOf(seen, ended(seen, 'Refused', 'Migration other/m-1 has this id'), 7)).toBeUndefined();
  });

  test('of a person goes by its uid', () => {
    const told = tellsOf(observed(), accepted(observed(), { source: 'edge-1', workload: 'shop.web' }), 7);
    expect(told?.event).toMatchObject({ id: uid, decision: uid });
  });

  test('that is commanded is told by its driver', () => {
    const commanded = prepared(ofDecider(judged));
    const seen = ofDecider(commanded);
    expect(tellsOf(ofDecider(judged), commanded, 7)).toBeUndefined();
    expect(tellsOf(seen, ended(seen, 'RolledBack', 'the source aborted'), 7)).toBeUndefined();
    expect(tellsOf(ofDecider(judged), judged, 7)).toBeUndefined();
  });
});
