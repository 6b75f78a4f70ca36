import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Decision } from '../../../lib/contract/decision.ts';
import { parsePolicy } from '../../../lib/contract/policy.ts';
import { replayTrace } from '../summary.ts';
import { readRecording } from './read.ts';

const root = join(import.meta.dirname, '../../..');
/** Recorded in the lab while the demo ran: 38 s, in which `reducer` was moved under load. */
const file = join(root, 'test/fixtures/traces/lab-demo.jsonl.gz');

async function replay(): Promise<{ decisions: Decision[]; hash: string }> {
  const parsed = parsePolicy(await readFile(join(root, 'scripts/demo/policy.yaml'), 'utf8'));
  if (!parsed.ok) throw new Error('the policy of the demo has faults');
  const trace = await readRecording({ file, skipBadRows: false, skipped: () => undefined });
  const decisions: Decision[] = [];
  const hooks = { decided: (decision: Decision) => decisions.push(decision), stopwatch: () => performance.now() };
  return { hash: replayTrace(trace, parsed.policy, hooks).summary.hash, decisions };
}

test('a recording of the lab leads to the decision that was made there', async () => {
  const { decisions, hash } = await replay();
  expect(decisions[0]).toMatchObject({
    verdict: 'migrate',
    workload: 'reducer',
    source: 'edge-1',
    target: 'cloud-1',
    sentence:
      'reducer moves from edge-1 to cloud-1: CPU of edge-1 stood at 92 % for 2 s (trigger 80 %); reducer frees 0.84 cores and is the cheapest to move that covers the excess of 0.22 cores; moving takes about 7.9 s',
  });
  expect((await replay()).hash).toBe(hash);
});
