import type { Decision } from '../../lib/contract/decision.ts';
import type { PlacedWorkload } from '../kinds/workloads.ts';
import { age } from '../output.ts';

/** Why a workload moved, or did not, by the decisions about it and about its node. */
export interface Why {
  workload: string;
  /** The last decision to move it. */
  moved?: Decision;
  /** The last one after that in which it was looked at and stayed. */
  stayed?: Decision;
  text: string;
}

/** `decisions`: oldest first; `workload`: undefined when no node reports it now. */
export function explain(
  name: string,
  workload: PlacedWorkload | undefined,
  decisions: readonly Decision[],
  now: number,
): Why {
  const about = decisions.filter((decision) => concerns(decision, name));
  const moved = about.findLast((decision) => decision.verdict === 'migrate' && decision.workload === name);
  const stayed = about.findLast((decision) => decision !== moved && decision.at >= (moved?.at ?? 0));
  const lines = [
    ...whereItIs(name, workload),
    ...(moved
      ? [said('Moved', moved, moved.sentence, now), ...runnersUp(moved)]
      : ['No decision of the last seven days moves it.\n']),
    ...(stayed ? [said('Stays', stayed, whyItStays(stayed, name), now)] : []),
    ...(moved || stayed ? [] : [nothingSaid(workload)]),
  ];
  return { workload: name, ...(moved && { moved }), ...(stayed && { stayed }), text: lines.join('') };
}

const concerns = (decision: Decision, name: string): boolean =>
  decision.workload === name || (decision.trigger === 'overload' && considered(decision, name) !== undefined);

/** What the choice of a victim said of it. */
function considered({ reports }: Decision, name: string) {
  const victim = reports.find(({ stage }) => stage === 'victim');
  return victim?.candidates?.find((candidate) => candidate.name === name);
}

function whereItIs(name: string, workload: PlacedWorkload | undefined): string[] {
  if (!workload) return [`No node reports ${name} now.\n`];
  const { node, home, migrate, obstacle } = workload;
  const where =
    node === home ? `${name} runs on ${node}, its home.\n` : `${name} runs on ${node}, away from its home ${home}.\n`;
  if (obstacle) return [where, `It can not move: ${obstacle}\n`];
  return migrate ? [where] : [where, 'Its owner forbids moves that nobody asked for (--pin).\n'];
}

const said = (what: string, { id, at }: Decision, why: string, now: number): string =>
  `${what} (${age(at, now)} ago, ${id}): ${why}\n`;

/** Another one left in its place, or none did. */
function whyItStays(decision: Decision, name: string): string {
  const candidate = considered(decision, name);
  if (decision.workload === name || !candidate) return decision.sentence;
  return decision.verdict === 'migrate'
    ? `${decision.workload} was taken, ${name} was not: ${candidate.reason}`
    : `${name}: ${candidate.reason}; ${decision.sentence}`;
}

/** The second best of each choice. */
function runnersUp({ reports }: Decision): string[] {
  return reports.flatMap(({ stage, candidates }) => {
    const second = candidates?.find(({ chosen }) => !chosen);
    return second ? [`  next best ${stage}: ${second.name} (${second.reason})\n`] : [];
  });
}

function nothingSaid(workload: PlacedWorkload | undefined): string {
  const node = workload
    ? ` Its node ${workload.node} has not been overloaded, or has sent no fresh samples: godwit top nodes`
    : '';
  return `Nothing was decided about it.${node}\n`;
}
