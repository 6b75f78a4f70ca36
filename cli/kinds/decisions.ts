import { readStream } from '../../lib/bus/read-stream.ts';
import { systemClock } from '../../lib/clock.ts';
import { type Decision, decisionSchema } from '../../lib/contract/decision.ts';
import { parseOrSkip, readNewest } from '../history.ts';
import type { Hub } from '../hub-client.ts';
import { age, type Kind } from '../output.ts';
import type { Resource } from './resource.ts';

const decisionKind = (now: number): Kind<Decision> => ({
  kind: 'decision',
  name: (decision) => decision.id,
  columns: [
    { header: 'NAME', value: (decision) => decision.id },
    { header: 'AGE', value: (decision) => age(decision.at, now) },
    { header: 'NODE', value: (decision) => decision.node },
    { header: 'VERDICT', value: (decision) => (decision.dryRun ? `${decision.verdict} (dry run)` : decision.verdict) },
    { header: 'TRIGGER', value: (decision) => decision.trigger },
    { header: 'WORKLOAD', value: (decision) => decision.workload },
    { header: 'TO', value: (decision) => decision.target },
    { header: 'MIGRATION', wide: true, value: (decision) => decision.migration },
    { header: 'POLICY', wide: true, value: ({ policy }) => `${policy.name}@${policy.version}` },
    { header: 'WHY', value: (decision) => decision.sentence },
  ],
});

export const decisions: Resource<Decision> = {
  kind: decisionKind,
  unknown: 'E_INPUT',
  list: (hub, limit) => readNewest(hub, 'DECISIONS', decisionSchema, limit),
  changes: decisionChanges,
  fingerprint: (decision) => decision.id,
};

async function* decisionChanges(hub: Hub, since: number, signal: AbortSignal): AsyncGenerator<Decision> {
  for await (const message of readStream(hub.js, 'DECISIONS', { since, clock: systemClock, log: hub.log, signal })) {
    const decision = parseOrSkip(message, decisionSchema);
    if (decision) yield decision;
  }
}
