import { describe, expect, test } from 'vitest';
import { sourceJournal, targetJournal } from '../agent/journal.fixtures.ts';
import type { Journal } from '../agent/journal.ts';
import { judge } from './judge.ts';

const pod = { uid: 'u', folder: '/p', container: 'first', bundle: '/b', cgroup: '/c' };

describe('what becomes of a container that a kubelet wants to create', () => {
  test('it waits while its copy is still to come', () => {
    expect(judge(undefined, 'first', 'boot')).toBeUndefined();
    expect(judge(targetJournal({ lazy: false }), 'first', 'boot')).toBeUndefined();
    expect(judge(targetJournal({ lazy: false, pod }), 'first', 'boot')).toBeUndefined();
    expect(judge(targetJournal({ lazy: false, pod, heldAt: 1 }), 'first', 'boot')).toBeUndefined();
  });

  test.each<[string, Journal]>([
    ['given up before it came', { ...targetJournal(), role: 'void' }],
    ['rolled back', targetJournal({ destroyed: true, ended: true })],
    ['lost', targetJournal({ lost: true, runningAt: 1 })],
    ['ended while its pages came', targetJournal({ runningAt: 1, lazy: true })],
    ['held or running before a reboot', targetJournal({ boot: 'earlier', runningAt: 1, lazy: false })],
    ['let go before a reboot', targetJournal({ boot: 'earlier', letGo: true, lazy: false })],
    ['prepared for another container', targetJournal({ pod: { ...pod, container: 'other' }, lazy: false })],
  ])('a copy that was %s is not started', (_what, journal) => {
    expect(judge(journal, 'first', 'boot')).toMatchObject({ do: 'refuse' });
  });

  test('what goes out from here never starts here by the same migration', () => {
    expect(judge(sourceJournal(), 'first', 'boot')).toMatchObject({ do: 'refuse' });
  });

  test.each([
    ['has run', targetJournal({ runningAt: 1, lazy: false })],
    ['has all of its pages', targetJournal({ runningAt: 1, lazy: true, drainMs: 5 })],
    ['was let go', targetJournal({ letGo: true, lazy: false, pod })],
    ['belongs to a migration that is over', targetJournal({ ended: true, runningAt: 1, boot: 'earlier' })],
  ])('one that %s is created like any other', (_what, journal) => {
    expect(judge(journal, 'second', 'boot')).toEqual({ do: 'create' });
  });
});
