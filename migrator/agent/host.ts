import type { VerbRequest, VerbResult, WorkloadSpec } from '../../lib/contract/agent.ts';
import type { Strategy } from '../../lib/contract/names.ts';
import type { Container } from '../engine/container.ts';
import type { Launch } from '../engine/engine.ts';
import type { FilesFolder } from '../files/archive.ts';
import type { Upload } from '../files/data-server.ts';
import type { VerbOptions } from './context.ts';
import type { PodPlace, SourceJournal, TargetJournal } from './journal.ts';

/** What whoever keeps the workloads of a node does in a way of its own: Godwit itself on a bare node, a kubelet in a cluster. */
export interface WorkloadHost {
  readonly strategies: readonly Strategy[];
  /** The container in which the workload runs here. */
  find(workload: string): Promise<Container | undefined>;
  /** The one that a migration is about, whatever has come since. */
  copyOf(journal: SourceJournal | TargetJournal): Promise<Container | undefined>;
  /** What tells the container from later ones of its workload; undefined where names are unique. */
  pin(container: Container): Promise<PodPlace | undefined>;
  /** @throws E_PREFLIGHT when the workload can not move at all */
  specOf(workload: string, container: Container): Promise<WorkloadSpec>;
  /** Why the container's memory can not move, in one sentence, or undefined. */
  obstacleOf(container: Container): Promise<string | undefined>;
  /** Where what the workload has written stands, at the source, or comes to stand, at the target. */
  filesOf(
    spec: WorkloadSpec,
    at: { container?: Container | undefined; pod?: PodPlace | undefined },
  ): Promise<FilesFolder>;
  /** Removes what the host keeps only while the migration lasts; repeats do nothing. */
  settle(journal: SourceJournal | TargetJournal): Promise<void>;
  readonly source: SourceHost;
  readonly target: TargetHost;
}

export interface SourceHost {
  /** Stops every instruction of the container. */
  freeze(container: Container, journal: SourceJournal): Promise<void>;
  /** From here on nobody but the migration starts the workload here, on the disk; before the record opens. */
  guard(journal: SourceJournal): Promise<void>;
  /** Stops the workload for a cold move: ended by its own hand, or frozen where that could not be taken back. */
  stop(container: Container, graceMs: number): Promise<void>;
  /** Lets the stopped workload go on: thawed where it stands, or started anew. */
  runAgain(journal: SourceJournal): Promise<void>;
  /** Sends the clients of the stopped copy on; false where nothing could be done. */
  switchAway(journal: SourceJournal, spec: WorkloadSpec): Promise<boolean>;
  /** Makes and pushes the image of a frozen container that moves as one. */
  checkpoint(journal: SourceJournal, options: VerbOptions): Promise<void>;
  /** The stopped copy ends. */
  end(journal: SourceJournal, spec: WorkloadSpec): Promise<void>;
}

export interface TargetHost {
  /** Makes room for the copy; `missingImage`: the source has to push that first. @throws E_PREFLIGHT */
  receive(
    journal: TargetJournal,
    request: VerbRequest<'receive'>,
    options: VerbOptions,
  ): Promise<Pick<VerbResult<'receive'>, 'missingImage' | 'podAddress'>>;
  takeImage(journal: TargetJournal, body: Upload['body']): Promise<void>;
  /** All written files are in their place. */
  filesComplete(journal: TargetJournal): Promise<void>;
  /** A copy without memory, held: it exists, or waits to be created, and does not run. */
  create(journal: TargetJournal): Promise<void>;
  /** Starts what `create` holds; repeats do nothing. */
  start(journal: TargetJournal, options: VerbOptions): Promise<void>;
  /** Whether what `create` held may have been started. */
  mayHaveStarted(journal: TargetJournal): boolean;
  /** How runc comes to restore the copy with its memory. */
  launch(journal: TargetJournal, options: VerbOptions): Launch;
  /** The copy is about to run: its address and its state follow. */
  adopt(journal: TargetJournal): Promise<void>;
  /** Ends whatever there is of the copy, and what was made for it. */
  destroy(journal: TargetJournal): Promise<void>;
  /** The copy was destroyed after it had run. */
  withdraw(journal: TargetJournal): Promise<void>;
  /** Ends what is left of a lost copy and starts the workload from its files. @throws E_RECORD where that can not be */
  startAnew(journal: TargetJournal): Promise<void>;
}
