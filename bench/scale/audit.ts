import type { FleetLog } from '../decider/publisher.ts';

/** Everything in it is a fault; ids of migrations, except where nodes are named. */
export interface Audit {
  /** Commands that the work queue delivered as more than one message. */
  repeated: string[];
  /** Commands for a workload whose earlier command had not ended. */
  overlapping: string[];
  /** Commands that no decision stands behind. */
  undecided: string[];
  /** Decisions to migrate without a command that no record calls lapsed, where no later decision for the node has one. */
  uncommanded: string[];
  /** Nodes that turned hot and never got a command. */
  unrelieved: string[];
}

/** Whether decisions, commands and hot nodes of a run match one to one, whatever was restarted in between. */
export function audit(log: Pick<FleetLog, 'decisions' | 'lapsed' | 'commands' | 'hot'>): Audit {
  const decided = new Set(log.decisions.map(({ migration }) => migration));
  return {
    repeated: repeated(log.commands.map(({ id }) => id)),
    overlapping: overlapping(log.commands),
    undecided: log.commands.map(({ id }) => id).filter((id) => !decided.has(id)),
    uncommanded: uncommanded(log),
    unrelieved: log.hot.filter(({ until }) => until === undefined).map(({ node }) => node),
  };
}

export const isClean = (faults: Audit): boolean => Object.values(faults).every((list: string[]) => list.length === 0);

function repeated(ids: readonly string[]): string[] {
  const seen = new Set<string>();
  const again = new Set<string>();
  for (const id of ids) (seen.has(id) ? again : seen).add(id);
  return [...again];
}

function overlapping(commands: FleetLog['commands']): string[] {
  const freeAt = new Map<string, number>();
  const faults: string[] = [];
  for (const { id, workload, at, endedAt } of commands.toSorted((a, b) => a.at - b.at)) {
    const free = freeAt.get(workload) ?? 0;
    if (at < free) faults.push(id);
    freeAt.set(workload, Math.max(free, endedAt ?? Number.POSITIVE_INFINITY));
  }
  return faults;
}

/** A decision whose command was never published lapses by design, if another one takes its place. */
function uncommanded({ decisions, lapsed, commands }: Pick<FleetLog, 'decisions' | 'lapsed' | 'commands'>): string[] {
  const commanded = new Set(commands.map(({ id }) => id));
  const settled = new Set([...commanded, ...lapsed]);
  const lastServed = new Map<string, number>();
  for (const { migration, node, at } of decisions)
    if (commanded.has(migration)) lastServed.set(node, Math.max(at, lastServed.get(node) ?? 0));
  return decisions
    .filter(({ migration, node, at }) => !settled.has(migration) && at >= (lastServed.get(node) ?? 0))
    .map(({ migration }) => migration);
}
