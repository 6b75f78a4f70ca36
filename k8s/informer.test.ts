import { describe, expect, test } from 'vitest';
import type { Clock } from '../lib/clock.ts';
import { createLogger } from '../lib/logger.ts';
import type { KubeClient } from './client.ts';
import { type Change, createInformer } from './informer.ts';
import { KubeError } from './kube-error.ts';
import { type KubeObject, kubeObjectSchema } from './objects/meta.ts';
import { resources } from './resource.ts';
import type { WatchEvent } from './watch.ts';

const object = (name: string, version: number, rest: object = {}) => ({
  metadata: { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion: String(version), ...rest },
});
const gone = new KubeError('too old', { status: 410, reason: 'Expired' });

/** What the server says to one list, and then to the watches that follow it. */
interface Turn {
  list: object[] | Error;
  version?: string;
  watches?: (WatchEvent | Error)[][];
}

/** Plays the turns; a list or watch beyond them stays silent until the informer ends. */
async function play(
  turns: Turn[],
  options: { schema?: typeof kubeObjectSchema; during?: (told: string[]) => void } = {},
) {
  const controller = new AbortController();
  const asked: string[] = [];
  const sleeps: number[] = [];
  const left = [...turns];
  let watches: (WatchEvent | Error)[][] = [];
  let finished: () => void = () => undefined;
  const played = new Promise<void>((resolve) => {
    finished = resolve;
  });
  const never = (signal: AbortSignal): Promise<never> => {
    finished();
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  };
  const client: Partial<KubeClient> = {
    list: async (_resource, selection, { signal } = {}) => {
      asked.push(`list ${selection.labelSelector ?? ''}`);
      const turn = left.shift();
      if (!turn) return never(signal as AbortSignal);
      if (turn.list instanceof Error) throw turn.list;
      watches = turn.watches ?? [];
      return { items: turn.list, resourceVersion: turn.version ?? '1' };
    },
    watch: async function* (_resource, { resourceVersion, labelSelector }, { signal }) {
      asked.push(`watch ${labelSelector ?? ''}${resourceVersion}`);
      const said = watches.shift();
      if (!said) await never(signal);
      for (const one of said ?? []) {
        if (one instanceof Error) throw one;
        yield one;
      }
    },
  };
  const clock: Clock = { now: () => 42, monotonic: () => 0, sleep: async (ms) => void sleeps.push(ms) };
  const told: string[] = [];
  const informer = createInformer<KubeObject>({
    client: client as KubeClient,
    resource: resources.pods,
    selection: { labelSelector: 'a=b,' },
    schema: options.schema ?? kubeObjectSchema,
    onChange: ({ kind, object: one }: Change<KubeObject>) => {
      told.push(`${kind} ${one.metadata.name}@${one.metadata.resourceVersion}`);
    },
    clock,
    random: () => 1,
    log: createLogger('test', { level: 'silent' }),
  });
  const running = informer.run({ signal: controller.signal });
  await played;
  controller.abort(new Error('end'));
  await running;
  return { informer, told, asked, sleeps };
}

const event = (type: WatchEvent['type'], one: object): WatchEvent => ({ type, object: one });

describe('informer', () => {
  test('lists, then follows from there, with the selector in both', async () => {
    const { informer, told, asked } = await play([
      {
        list: [object('a', 1), object('b', 2)],
        version: '5',
        watches: [
          [event('MODIFIED', object('a', 6)), event('DELETED', object('b', 7)), event('ADDED', object('c', 8))],
        ],
      },
    ]);
    expect(told).toEqual(['added a@1', 'added b@2', 'updated a@6', 'deleted b@2', 'added c@8']);
    expect(informer.list().map(({ metadata }) => metadata.name)).toEqual(['a', 'c']);
    expect(informer.get({ namespace: 'shop', name: 'a' })?.metadata.resourceVersion).toBe('6');
    expect(asked).toEqual(['list a=b,', 'watch a=b,5', 'watch a=b,8']);
    expect([informer.synced(), informer.lastEventAt()]).toEqual([true, 42]);
  });

  test('goes on from the last bookmark when the server ends a watch', async () => {
    const bookmark = event('BOOKMARK', { metadata: { resourceVersion: '90' } });
    const { asked, sleeps } = await play([{ list: [], watches: [[bookmark], []] }]);
    expect(asked).toEqual(['list a=b,', 'watch a=b,1', 'watch a=b,90', 'watch a=b,90']);
    expect(sleeps).toEqual([]);
  });

  test.each([
    ['a connection that breaks', new KubeError('ECONNRESET', { status: 0, reason: '' })],
    ['a refusal', new KubeError('forbidden', { status: 403, reason: 'Forbidden' })],
    ['a version that is too old', gone],
    ['anything else', new Error('unforeseen')],
  ])('survives %s in list and watch, and tells what it has missed', async (_, fault) => {
    const { told, sleeps } = await play([
      { list: fault },
      { list: [object('a', 1), object('b', 2)], watches: [[fault]] },
      { list: fault },
      { list: fault },
      { list: [object('b', 3), object('c', 4)] },
    ]);
    expect(told).toEqual(['added a@1', 'added b@2', 'deleted a@1', 'updated b@3', 'added c@4']);
    expect(sleeps).toEqual([250, 500, 1000, 2000]);
  });

  test('pauses no longer than at first when there was news in between', async () => {
    const news = (version: number) => [[event('MODIFIED', object('a', version)), gone]];
    const { sleeps } = await play([
      { list: [], watches: news(2) },
      { list: [], watches: news(3) },
    ]);
    expect(sleeps).toEqual([250, 250]);
  });

  test('lists anew when the watch says that its version is too old', async () => {
    const expired = event('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' });
    const { told, asked } = await play([{ list: [object('a', 1)], watches: [[expired]] }, { list: [] }]);
    expect(told).toEqual(['added a@1', 'deleted a@1']);
    expect(asked.filter((one) => one.startsWith('list'))).toHaveLength(2);
  });

  test('tells nothing of what has not changed, and forgets who wrote which field', async () => {
    const { informer, told } = await play([
      { list: [object('a', 1, { managedFields: [{ manager: 'kubectl' }] })], watches: [[gone]] },
      { list: [object('a', 1)] },
    ]);
    expect(told).toEqual(['added a@1']);
    expect(informer.list()[0]?.metadata.managedFields).toBeUndefined();
  });

  test('passes over what does not fit, and keeps the rest', async () => {
    const { told } = await play([{ list: [{ metadata: { name: 7 } }, object('b', 2)] }]);
    expect(told).toEqual(['added b@2']);
  });
});
