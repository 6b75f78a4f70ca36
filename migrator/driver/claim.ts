import type { Store } from '../../lib/bus/kv.ts';
import type { Command } from '../../lib/contract/migration.ts';
import type { NodeRecord } from '../../lib/contract/node.ts';
import type { SagaState } from '../../lib/contract/saga.ts';
import { hasCode } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { begin, type Claim, reject } from '../saga/begin.ts';
import { assumedBytesPerSecond } from '../saga/limits.ts';
import { publishOf } from '../saga/publish.ts';
import { transition } from '../saga/transition.ts';
import type { Limits, SagaContext, Transition } from '../saga/types.ts';

export interface ClaimOptions {
  migrations: Store<SagaState>;
  nodes: Store<NodeRecord>;
  limits: Limits;
  /** Highest epoch that any migration was commanded in, of those stored up to `revision`. */
  highestEpochAt(revision: number): Promise<number>;
  log: Logger;
}

export interface Claimed extends Transition {
  revision: number;
  context: SagaContext;
}

/**
 * Makes a command this driver's own: begins its migration, takes it over with the next term, or refuses it. What it answers is
 * stored. Undefined when there is nothing to do: the command is a repeated one.
 */
export async function claim(claim: Claim, options: ClaimOptions): Promise<Claimed | undefined> {
  const { migrations, log } = options;
  const { command, sequence, driver, at } = claim;
  const nodes = await nodesOf(command, options);
  const context = contextOf(nodes, options.limits);
  for (;;) {
    const found = await migrations.get(command.id);
    try {
      if (!found) return { ...(await claimNew(claim, faultOf(claim, nodes), context, options)), context };
      const { value: state, revision } = found;
      if (state.commandSequence !== sequence) {
        log.warn({ migration: command.id, step: state.step }, 'repeated command: nothing done');
        return undefined;
      }
      if (state.step === 'end') return { state, commands: [publishOf(state), { kind: 'finish' }], revision, context };
      const next = transition(state, { kind: 'takeover', at, driver }, context);
      return { ...next, revision: await migrations.update(command.id, next.state, revision), context };
    } catch (error) {
      if (!hasCode(error, 'E_CONFLICT')) throw error;
    }
  }
}

/** Stores a new migration; what was stored before it tells whether its epoch is over. */
async function claimNew(
  claim: Claim,
  fault: string | undefined,
  context: SagaContext,
  { migrations, highestEpochAt }: ClaimOptions,
): Promise<Transition & { revision: number }> {
  const { id, epoch } = claim.command;
  const first = fault === undefined ? begin(claim, context) : reject(claim, fault);
  const revision = await migrations.create(id, first.state);
  const highest = await highestEpochAt(revision);
  if (fault !== undefined || epoch >= highest) return { ...first, revision };
  const late = reject(claim, `the command is of epoch ${epoch}, commands of epoch ${highest} have been seen`);
  return { ...late, revision: await migrations.update(id, late.state, revision) };
}

export type Nodes = Record<'source' | 'target', NodeRecord | undefined>;

export async function nodesOf({ source, target }: Command, { nodes }: Pick<ClaimOptions, 'nodes'>): Promise<Nodes> {
  const [from, to] = await Promise.all([nodes.get(source), nodes.get(target)]);
  return { source: from?.value, target: to?.value };
}

export function contextOf({ source, target }: Nodes, limits: Limits): SagaContext {
  const uplinks = [source?.uplinkBytesPerSecond, target?.uplinkBytesPerSecond].filter((rate) => rate !== undefined);
  return {
    limits,
    bytesPerSecond: uplinks.length > 0 ? Math.min(...uplinks) : assumedBytesPerSecond,
    sourceAddress: source?.address ?? '',
  };
}

/** Why the command can not be followed, in one sentence. */
function faultOf({ command, at }: Claim, nodes: Nodes): string | undefined {
  const { source, target, expiresAt } = command;
  if (expiresAt <= at) return `the command expired ${at - expiresAt} ms ago`;
  if (source === target) return `source and target are the same node, ${source}`;
  if (!nodes.source) return `no node of the name ${source} has joined`;
  return nodes.target ? undefined : `no node of the name ${target} has joined`;
}
