import type { Decision } from '../../lib/contract/decision.ts';
import type { MigrationEvent } from '../../lib/contract/migration.ts';
import type { Policy } from '../../lib/contract/policy.ts';
import { type Core, createCore } from '../core.ts';
import { bytesToMove } from '../cost/migration-time.ts';
import type { Signature } from '../pipeline/verdict.ts';
import { createLinks, type Links } from './links.ts';
import { createPlacement, type Placement } from './placement.ts';
import { recordOf, sampleOf } from './telemetry.ts';
import type { Trace, TraceNode, TraceWorkload } from './trace.ts';

/** A move that a decision led to; times in milliseconds since the epoch. */
export interface Move {
  workload: string;
  source: string;
  target: string;
  /** Away from home, or back to it. */
  action: 'offload' | 'return';
  decidedAt: number;
  /** Its transfer waits for those before it on the same link. */
  startedAt: number;
  /** May lie behind the end of the trace. */
  endedAt: number;
  bytes: number;
}

export interface FleetOptions {
  policy: Policy;
  /** How long the transfer of so many bytes takes on a link by itself. */
  transferMs(bytes: number, node: TraceNode): number;
  /** Every decision, "no" included, with the time that the core took for its sample. */
  decided?(decision: Decision): void;
  /** Wall time of one sample, from received to decided. */
  took?(ms: number): void;
  /** After the moves that have ended, before the samples are decided on. */
  stepped?(step: number, placement: Placement): void;
  /** Wall time in milliseconds; measures and nothing else. */
  stopwatch(): number;
}

/**
 * Lets the live core decide on a trace: it gets the samples that a fleet with this demand would send, where its own decisions have put
 * the workloads. Time is the trace's; the same trace and policy give the same moves, bit for bit. A moving workload loads its
 * source until its transfer has ended.
 */
export function replayFleet(trace: Trace, options: FleetOptions): Move[] {
  const core = createCore(options.policy);
  const fleet: Fleet = { trace, options, core, placement: createPlacement(trace), links: createLinks(), moves: [] };
  const signature = countingSignature();
  const nodes = [...trace.nodes].sort((a, b) => Number(a.tier === 'edge') - Number(b.tier === 'edge'));
  const boot = 'replay';
  const open: { move: Move; decision: Decision }[] = [];
  for (let step = 0; step < trace.steps; step++) {
    const now = trace.startAt + step * trace.intervalMs;
    for (const landed of takeLanded(open, now)) land(fleet, landed.move, landed.decision);
    options.stepped?.(step, fleet.placement);
    const present = nodes.map((node) => ({ node, residents: fleet.placement.residents(node.name, step) }));
    for (const { node, residents } of present) core.node(node.name, recordOf(node, residents, now));
    for (const { node, residents } of present) {
      const sample = sampleOf(trace, node, residents, { step, boot });
      const started = options.stopwatch();
      const { decisions } = core.sample(sample, now, signature);
      options.took?.(options.stopwatch() - started);
      for (const decision of decisions) {
        options.decided?.(decision);
        const move = begin(fleet, decision, step);
        if (move) open.push({ move, decision });
      }
    }
  }
  return fleet.moves;
}

interface Fleet {
  trace: Trace;
  options: FleetOptions;
  core: Core;
  placement: Placement;
  links: Links;
  moves: Move[];
}

/** Those whose transfer has ended by `now`, in the order in which they ended. */
function takeLanded<T extends { move: Move }>(open: T[], now: number): T[] {
  const landed = open.filter(({ move }) => move.endedAt <= now).sort((a, b) => a.move.endedAt - b.move.endedAt);
  for (const one of landed) open.splice(open.indexOf(one), 1);
  return landed;
}

/** A command is taken up at once, and its transfer goes over the link of the node at the edge. */
function begin(fleet: Fleet, decision: Decision, step: number): Move | undefined {
  const { workload: name = '', source: from = '', target: to = '', migration } = decision;
  const source = fleet.placement.node(from);
  const target = fleet.placement.node(to);
  const workload = fleet.placement.workload(name);
  if (!migration || !source || !target || !workload) return undefined;
  const action = decision.trigger === 'return' ? 'return' : 'offload';
  const edge = source.tier === 'edge' ? source : target;
  const bytes = bytesToMove(memoryAt(workload, step), workload.facts);
  const transferMs = fleet.options.transferMs(bytes, edge);
  const { startedAt, endedAt } = fleet.links.occupy(`${edge.site}/${action}`, decision.at, transferMs);
  const move: Move = {
    workload: name,
    source: from,
    target: to,
    action,
    decidedAt: decision.at,
    startedAt,
    endedAt,
    bytes,
  };
  fleet.moves.push(move);
  fleet.core.event(eventOf(decision, { stage: 'prepare', at: decision.at }));
  return move;
}

const memoryAt = ({ demand }: TraceWorkload, step: number): number => Math.round(demand.memoryBytes[step] || 0);

function land({ core, placement }: Fleet, move: Move, decision: Decision): void {
  placement.move(move.workload, move.target);
  const measurements = { totalMs: move.endedAt - move.decidedAt, memoryBytes: move.bytes };
  core.event(eventOf(decision, { stage: 'ended', at: move.endedAt, result: 'succeeded', measurements }));
}

function eventOf(
  decision: Decision,
  happened: Pick<MigrationEvent, 'stage' | 'at' | 'result' | 'measurements'>,
): MigrationEvent {
  const { id, migration = '', workload = '', source = '', target = '', trigger, epoch } = decision;
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
    ...happened,
  };
}

function countingSignature(): Signature {
  let ids = 0;
  return { epoch: 1, newId: (prefix) => `${prefix}-${++ids}` };
}
