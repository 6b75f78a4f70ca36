import { createWriteStream } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Decision } from '../../lib/contract/decision.ts';
import type { MigrationEvent } from '../../lib/contract/migration.ts';
import { untilCalm } from '../demo/calm.ts';
import type { Part } from '../demo/cast.ts';
import { longestHole, startClient } from '../demo/clients.ts';
import { type Load, startLoad } from '../demo/load.ts';
import { app, type Case, port } from './cases.ts';
import type { CaseStage } from './stage.ts';

/** What the app says of itself; `nonce` and `pictures`, the number of those that it has reduced, are in its memory alone. */
export interface Sight {
  /** When it had answered. */
  at: number;
  nonce: string;
  counter: number;
  intact: boolean;
  pictures: number;
}

export interface Played {
  workload: string;
  decision: Decision | undefined;
  end: MigrationEvent;
  /** Under load, before the move was asked for and after its end. */
  before: Sight;
  after: Sight;
  load: Awaited<ReturnType<Load['stop']>>;
  /** Longest hole between answers as a client outside saw it. */
  downtimeMs: number;
}

/** A machine that is busy with other things may be slow. */
const patienceMs = 240_000;
/** Clients who still wait when a copy has been let go turn up within this time. */
const settleMs = 3000;
const lookEveryMs = 200;

/** Applies the app, lets load rise, and waits until the decider has moved it and its pod is Ready; the app stays. */
export async function playCase(one: Case, stage: CaseStage): Promise<Played> {
  const { kubectl, timeline, tell, address, connection, log } = stage;
  await kubectl(['apply', '-k', one.folder]);
  await kubectl(['rollout', 'status', `deployment/${app}`, '--timeout=80s']);
  const pod = await kubectl(['get', 'pods', `--selector=app=${app}`, '--output=jsonpath={.items[0].metadata.name}']);
  const workload = `default.${pod}`;
  const url = `http://${address}:${port}`;
  const sights = [await lookAt(url)];
  tell(`kubectl    apply -k ${one.name}: ${pod} answers on ${url}`);
  await untilCalm(connection, log, { node: 'edge-1', belowRatio: 0.5, forMs: 4000, deadlineMs: patienceMs });

  const client = startClient(watched, url, createWriteStream('/dev/null'));
  const load = startLoad(url);
  tell(`load       rises: ${load.clients} clients send picture after picture`);
  const stopped = new AbortController();
  const watching = watch(url, sights, stopped.signal);
  try {
    const first = (stage: MigrationEvent['stage']) => (event: MigrationEvent) =>
      event.workload === workload && event.stage === stage;
    const { at: began } = await timeline.until(`a move of ${workload}`, patienceMs, first('requested'));
    const end = await timeline.until(`the end of ${workload}'s move`, patienceMs, first('ended'));
    await kubectl(['wait', `migration/${end.id}`, '--for=condition=Completed', '--timeout=80s']);
    const after = await lookAt(url);
    await delay(settleMs);
    const before = sights.findLast(({ at }) => at < began);
    if (!before) throw new Error(`${workload} has not answered before its move`);
    return {
      workload,
      end,
      before,
      after,
      decision: timeline.decisions.find(({ id }) => id === end.decision),
      load: await load.stop(),
      downtimeMs: longestHole(client.outcomes, began, end.at + settleMs),
    };
  } finally {
    stopped.abort();
    await Promise.all([load.stop(), client.stop(), watching]);
  }
}

async function watch(url: string, sights: Sight[], signal: AbortSignal): Promise<void> {
  for (; !signal.aborted; await delay(lookEveryMs)) sights.push(await lookAt(url));
}

const watched: Part = { name: app, app, keeps: 'memory', env: {}, host: 0, watch: '/self' };

/** Takes the app away, and waits until nothing of it is left. */
export async function clearCase(one: Case, { kubectl }: CaseStage): Promise<void> {
  await kubectl(['delete', '-k', one.folder]);
  await kubectl(['wait', 'pod', `--selector=app=${app}`, '--for=delete', '--timeout=80s']);
}

async function lookAt(url: string): Promise<Sight> {
  for (const deadline = performance.now() + patienceMs; ; ) {
    try {
      const self = (await ask(`${url}/self`)) as { nonce: string; counter: number; checksum: { ok: boolean } };
      const { pictures } = (await ask(`${url}/`)) as { pictures: number };
      return { at: Date.now(), nonce: self.nonce, counter: self.counter, intact: self.checksum.ok, pictures };
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(50);
    }
  }
}

async function ask(url: string): Promise<unknown> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(5000) });
  return answer.json();
}
