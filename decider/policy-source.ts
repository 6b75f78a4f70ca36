import { stat } from 'node:fs/promises';
import type { PolicyBucket } from '../lib/bus/policy-bucket.ts';
import type { Clock } from '../lib/clock.ts';
import {
  type ParsedPolicy,
  type Policy,
  type PolicyStatus,
  parsePolicy,
  policyVersion,
} from '../lib/contract/policy.ts';
import { readIfPresent } from '../lib/files.ts';
import type { Logger } from '../lib/logger.ts';
import { watchFile } from './watch-file.ts';

export interface PolicySourceOptions {
  bucket: PolicyBucket;
  /** Path of the policy file, if there is one. */
  file: string | undefined;
  leads(): boolean;
  /** The policy in force until another one is read. */
  initial: Policy;
  /** Called with each policy that comes into force. */
  apply(policy: Policy): void;
  rejected(): void;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

export interface PolicySource {
  /** Follows the bucket and the file until `signal` is aborted. */
  run(): Promise<void>;
  /** On becoming leader: brings file and bucket together, the newer one wins, and says so in the bucket. */
  sync(): Promise<void>;
}

/**
 * The policy comes from a file and from the bucket's `current`: whichever changed last. A valid file is put into the bucket by the
 * leader, so that the bucket is what all deciders follow. A text with faults changes nothing: the last good one stays in force.
 */
export async function startPolicySource(options: PolicySourceOptions): Promise<PolicySource> {
  const { bucket, file, leads, clock, log, signal } = options;
  let inForce = options.initial;
  let judged: ParsedPolicy = { ok: true, policy: inForce };
  let lastGood: string | undefined;
  let fileText: string | undefined;

  const say = async (): Promise<void> => {
    if (!leads()) return;
    if (lastGood !== undefined) await bucket.write('last-good', lastGood);
    await bucket.writeStatus(statusOf(judged, inForce, clock.now()));
  };

  const adopt = async (text: string, origin: string): Promise<void> => {
    judged = parsePolicy(text);
    if (judged.ok) {
      lastGood = text;
      inForce = judged.policy;
      log.info({ origin, version: inForce.version }, 'policy in force');
      options.apply(inForce);
    } else {
      log.error({ origin, version: judged.version, faults: judged.faults }, 'policy rejected; the last good one stays');
      options.rejected();
    }
    await say();
  };

  const follow = async (text: string): Promise<void> => {
    const known = judged.ok ? judged.policy.version : judged.version;
    if (policyVersion(text) !== known) await adopt(text, 'bucket');
  };

  /** A text with faults never reaches the bucket. */
  const offer = async (text: string, origin: string): Promise<void> => {
    if (parsePolicy(text).ok) await bucket.write('current', text);
    await adopt(text, origin);
  };

  const readFile = async (): Promise<void> => {
    if (!file || !leads()) return;
    const text = await readIfPresent(file);
    if (text === undefined || text === fileText) return;
    await offer(text, file);
    fileText = text;
  };

  const sync = async (): Promise<void> => {
    const current = await bucket.read('current');
    fileText = file ? await readIfPresent(file) : undefined;
    if (!file || fileText === undefined || fileText === current?.text) return say();
    const { mtimeMs } = await stat(file);
    if (mtimeMs <= (current?.writtenAt ?? 0)) return say();
    await offer(fileText, file);
  };

  for (const key of ['last-good', 'current'] as const) {
    const entry = await bucket.read(key);
    if (entry) await follow(entry.text);
  }
  return {
    sync,
    run: async () => {
      const guarded = (work: () => Promise<void>): Promise<void> =>
        work().catch((error: unknown) => log.error({ err: error }, 'policy source failed'));
      const closeWatch = file ? watchFile(file, () => void guarded(readFile), log) : undefined;
      while (!signal.aborted) {
        await guarded(async () => {
          for await (const { text } of bucket.watch({ signal })) await guarded(() => follow(text));
        });
        if (!signal.aborted) await clock.sleep(500, { signal }).catch(() => undefined);
      }
      closeWatch?.();
    },
  };
}

function statusOf(judged: ParsedPolicy, { name, version }: Policy, at: number): PolicyStatus {
  const shared = { inForce: { name, version }, at };
  return judged.ok
    ? { state: 'in-force', version, faults: [], ...shared }
    : { state: 'rejected', version: judged.version, faults: judged.faults, ...shared };
}
