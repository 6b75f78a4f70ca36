import { expect, test } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { buildClusterProgram } from '../program/cluster.ts';
import { connectionOf, offer } from './completion.ts';

const io = { out: () => undefined, err: () => undefined, env: {}, clock: systemClock, signal: AbortSignal.abort() };
const program = buildClusterProgram(io, () => undefined);

test.each([
  [[''], expect.arrayContaining(['get', 'migrate', 'policy', '--context']), undefined],
  [['policy', ''], expect.arrayContaining(['check', 'apply', 'show']), undefined],
  [['get', ''], expect.arrayContaining(['nodes', 'workloads', 'migrations', '--watch']), undefined],
  [['get', 'migrations', ''], expect.not.arrayContaining(['nodes']), 'migrations'],
  [['-n', 'shop', 'describe', 'node', ''], expect.not.arrayContaining(['nodes']), 'nodes'],
  [['migrate', ''], expect.arrayContaining(['--to']), 'workloads'],
  [['migrate', '--strategy', ''], ['auto', 'cold', 'restart', 'warm'], undefined],
  [['migrate', '--namespace', 'shop', 'web-1', '--to', ''], [], 'nodes'],
  [['migrate', 'web-1', ''], expect.arrayContaining(['--to']), undefined],
  [['cancel', 'x'], expect.arrayContaining(['--wait']), 'migrations'],
])('%j', (line, words, names) => {
  const offered = offer(program, line);
  expect(offered.words).toEqual(words);
  expect(offered.names).toBe(names);
});

test.each([
  [['policy', 'apply', ''], true],
  [['--kubeconfig', ''], true],
  [['get', ''], false],
])('files after %j: %s', (line, files) => {
  expect(offer(program, line).files).toBe(files);
});

test.each([
  [['-n', 'shop', 'migrate', ''], { namespace: 'shop' }],
  [['migrate', '--namespace=shop', '--context', 'home', ''], { namespace: 'shop', context: 'home' }],
  [['migrate', ''], {}],
])('the cluster of %j', (line, expected) => {
  expect(connectionOf(line)).toEqual({ kubeconfig: undefined, context: undefined, namespace: undefined, ...expected });
});
