import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { z } from 'zod';
import {
  dumpResultSchema,
  prepareResultSchema,
  receiveResultSchema,
  workloadSpecSchema,
} from '../../lib/contract/agent.ts';
import { recordSchema } from '../../lib/contract/migration.ts';
import { nameSchema, strategySchema, timestampSchema } from '../../lib/contract/names.ts';
import { GodwitError } from '../../lib/errors.ts';
import { readIfPresent, writeDurably } from '../../lib/files.ts';
import { createKeyedQueue } from '../../lib/keyed-queue.ts';
import { parseJson } from '../../lib/parse.ts';
import { fenceFile, journalFile, journalsFolder, type Paths } from '../paths.ts';

/** In Kubernetes: one container of a pod. */
const podPlaceSchema = z.object({
  uid: z.string(),
  /** The kubelet's, which goes when the pod is gone. */
  folder: z.string(),
  /** containerd's id. */
  container: z.string(),
  bundle: z.string(),
  /** Below each hierarchy. */
  cgroup: z.string(),
  /** The file of the network namespace that the pod's containers share. */
  network: z.string().optional(),
});
export type PodPlace = z.infer<typeof podPlaceSchema>;

const common = {
  migration: z.string(),
  epoch: z.number().int(),
  /** Highest term that ever asked. */
  term: z.number().int(),
  workload: nameSchema,
  pod: podPlaceSchema.optional(),
  /** The migration is over on this node; only the record and the attestation are still answered. */
  ended: z.boolean().default(false),
  updatedAt: timestampSchema,
};

const sourceSchema = z.object({
  ...common,
  role: z.literal('source'),
  strategy: strategySchema.optional(),
  prepared: prepareResultSchema.optional(),
  target: z.string().optional(),
  /** Where the target's page server listens. */
  pages: receiveResultSchema.shape.pages,
  /** Of the pod that waits for the copy. */
  podAddress: receiveResultSchema.shape.podAddress,
  /** The arbiter of the migration; absent before the freeze. Once turned from `open` it never changes again. */
  record: recordSchema.optional(),
  abortAt: timestampSchema.optional(),
  frozenAt: timestampSchema.optional(),
  dumped: dumpResultSchema.optional(),
  filesPushed: z.boolean().default(false),
  /** After `committed`: the target attested that its copy is destroyed, so this one may run. */
  attested: z.boolean().default(false),
  switched: z.boolean().default(false),
  released: z.boolean().default(false),
  reason: z.string().optional(),
});
export type SourceJournal = z.infer<typeof sourceSchema>;

const targetSchema = z.object({
  ...common,
  role: z.literal('target'),
  strategy: strategySchema,
  source: nameSchema,
  spec: workloadSpecSchema,
  receive: receiveResultSchema.optional(),
  memoryBytes: z.number(),
  /** What came inside the freeze and is unpacked. */
  arrived: z.array(z.enum(['images', 'files-1'])).default([]),
  lazy: z.boolean().default(false),
  heldAt: timestampSchema.optional(),
  /** Boot in which the copy was made: another one means that it is gone. */
  boot: z.string(),
  committed: z.boolean().default(false),
  /** Whoever waits to create the copy may have been told to, in that boot. */
  letGo: z.boolean().optional(),
  runningAt: timestampSchema.optional(),
  drainMs: z.number().optional(),
  lost: z.boolean().default(false),
  /** A person has given up the lost copy's memory, and the workload is being started from its files. */
  startingAnew: z.literal(true).optional(),
  destroyed: z.boolean().default(false),
});
export type TargetJournal = z.infer<typeof targetSchema>;

/** An abort came before anything else: whatever of this migration arrives late does nothing here. */
const voidSchema = z.object({ ...common, role: z.literal('void') });

const journalSchema = z.discriminatedUnion('role', [sourceSchema, targetSchema, voidSchema]);
export type Journal = z.infer<typeof journalSchema>;

/** Journals of ended migrations are kept for late questions, and for people. */
const keptMs = 7 * 86_400_000;

/** What this node knows of its migrations, on its own disk: survives the agent and a reboot. */
export interface Journals {
  get(id: string): Journal | undefined;
  all(): Journal[];
  /** On return the journal is on the disk. */
  save(journal: Journal): Promise<void>;
  /** Refuses an epoch below the highest ever seen, and remembers a higher one. @throws E_STALE */
  passFence(epoch: number): Promise<void>;
}

const fenceSchema = z.object({ epoch: z.number().int() });

export async function openJournals(paths: Paths, now: () => number): Promise<Journals> {
  await mkdir(journalsFolder(paths), { recursive: true, mode: 0o700 });
  const known = new Map<string, Journal>();
  for (const name of await readdir(journalsFolder(paths))) {
    if (!name.endsWith('.json')) continue;
    const journal = parseJson(journalSchema, await readFile(`${journalsFolder(paths)}/${name}`, 'utf8'), name);
    if (journal.ended && now() - journal.updatedAt > keptMs) await rm(journalFile(paths, journal.migration));
    else known.set(journal.migration, journal);
  }
  const fence = await readIfPresent(fenceFile(paths));
  let highest = fence === undefined ? 0 : parseJson(fenceSchema, fence, 'fence.json').epoch;
  const inTurn = createKeyedQueue();
  return {
    get: (id) => known.get(id),
    all: () => [...known.values()],
    save: (journal) => {
      known.set(journal.migration, journal);
      // in turn, and written down only then: the file ends up with the latest state
      return inTurn(journal.migration, async () => {
        journal.updatedAt = now();
        await writeDurably(journalFile(paths, journal.migration), JSON.stringify(journal));
      });
    },
    passFence: async (epoch) => {
      if (epoch < highest) throw new GodwitError('E_STALE', `epoch ${epoch} is over: this node has seen ${highest}`);
      if (epoch === highest) return;
      highest = epoch;
      await writeDurably(fenceFile(paths), JSON.stringify({ epoch }));
    },
  };
}

/** True when the copy that came with the migration died before all of its pages were in. */
export const isLostCopy = (journal: Journal, workload: string): boolean =>
  journal.role === 'target' && journal.workload === workload && journal.lost && !journal.destroyed && !journal.ended;

/** True while pages of the copy that runs here are still to come. Should it end, it is lost: nobody may start it anew unasked. */
export const isDraining = (journal: Journal, workload: string): boolean =>
  journal.role === 'target' &&
  journal.workload === workload &&
  journal.runningAt !== undefined &&
  journal.lazy &&
  journal.drainMs === undefined &&
  !journal.destroyed &&
  !journal.ended;

/**
 * True while the workload's copy on this node is a migration's to start or stop, and nobody else's. One that ran before this boot
 * waits until the source has been asked: it may run there again.
 */
export function claims(journal: Journal, workload: string, boot: string): boolean {
  if (journal.workload !== workload || journal.ended) return false;
  if (journal.role === 'target')
    return !journal.destroyed && (journal.runningAt === undefined || journal.lost || journal.boot !== boot);
  if (journal.role === 'void') return false;
  return journal.record === 'open' || (journal.record === 'committed' && !journal.attested);
}
