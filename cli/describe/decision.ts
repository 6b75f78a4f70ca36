import { type Decision, decisionSchema, type StageReport } from '../../lib/contract/decision.ts';
import { findNewest, readNewest } from '../history.ts';
import type { Hub } from '../hub-client.ts';
import { unknownName } from '../suggest.ts';
import { fields, section, time } from './text.ts';

/** The sentence, then what each stage saw and said. @throws E_INPUT */
export async function describeDecision(hub: Hub, id: string): Promise<string> {
  const decision = await findNewest(hub, 'DECISIONS', decisionSchema, (one) => one.id === id);
  if (decision) return decisionText(decision);
  const known = (await readNewest(hub, 'DECISIONS', decisionSchema, 200)).map((one) => one.id).reverse();
  throw unknownName('E_INPUT', 'decision', id, known, 'godwit get decisions');
}

export function decisionText(decision: Decision): string {
  const { policy } = decision;
  return [
    `${decision.sentence}\n\n`,
    fields({
      Decision: decision.id,
      At: time(decision.at),
      Verdict: `${decision.verdict}${decision.dryRun ? ' (dry run: nothing is done)' : ''}`,
      Trigger: decision.trigger,
      Node: `${decision.node} (site ${decision.site})`,
      Workload: decision.workload,
      Source: decision.source,
      Target: decision.target,
      Strategy: decision.strategy,
      Migration: decision.migration,
      Policy: `${policy.name}, version ${policy.version}`,
      Epoch: decision.epoch,
    }),
    '\n',
    ...decision.reports.map((report, index) => reportText(report, index + 1)),
  ].join('');
}

function reportText(report: StageReport, step: number): string {
  const candidates = (report.candidates ?? []).map(
    ({ name, chosen, reason, terms }) => `     ${chosen ? '*' : '-'} ${name}: ${reason}${inline(terms)}\n`,
  );
  return [
    `${step}. ${report.stage}: ${report.outcome === 'stop' ? 'stops here. ' : ''}${report.summary}\n`,
    fields(mapValues(report.terms, show), '     '),
    section('     considered', candidates.join('')),
  ].join('');
}

type Term = StageReport['terms'][string];

const inline = (terms: StageReport['terms']): string => {
  const shown = Object.entries(terms).map(([name, value]) => `${name} ${show(value)}`);
  return shown.length > 0 ? ` (${shown.join(', ')})` : '';
};

const show = (value: Term): string =>
  typeof value === 'number' && !Number.isInteger(value)
    ? String(Number(value.toPrecision(4)))
    : String(value ?? 'unknown');

const mapValues = <A, B>(record: Record<string, A>, map: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
