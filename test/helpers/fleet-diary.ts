import { type FleetNode, readInNode } from './fleet.ts';
import { until } from './until.ts';

const file = 'diary';
const program = `
import { openSync, writeSync } from 'node:fs';
const diary = openSync('/${file}', 'a');
const life = Math.random().toString(36).slice(2, 10);
let count = 0;
setInterval(() => writeSync(diary, life + ' ' + ++count + '\\n'), 100).unref();
`;

/** Environment under which any Node workload writes a numbered line into a file of its own ten times a second, and never closes it. */
export const writing = {
  NODE_OPTIONS: `--import=data:text/javascript;base64,${Buffer.from(program).toString('base64')}`,
};

/**
 * Resolves when the diary at `path` of the node has grown beyond `lines`; answers their number. Only the process that has begun it,
 * with its memory, its open file and what was written before, can go on with it without a gap.
 * @throws Error that says where another process, or another file, shows
 */
export async function diaryOn(node: FleetNode, path: string, lines = 0): Promise<number> {
  const text = await until(`the diary on ${node.name} to go on beyond line ${lines}`, 15_000, async () => {
    const found = await readInNode(node, `${path}/${file}`);
    return (found?.split('\n').length ?? 0) - 1 > lines ? found : undefined;
  });
  const whole = text.split('\n').slice(0, -1);
  const life = whole[0]?.split(' ')[0];
  for (const [index, line] of whole.entries())
    if (line !== `${life} ${index + 1}`) throw new Error(`line ${index + 1} of the diary on ${node.name} is "${line}"`);
  return whole.length;
}
