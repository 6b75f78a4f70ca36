// Plays the three test cases on a cluster of its own, one after the other: nobody asks for a move.
import { parseArgs } from 'node:util';
import { labDown } from '../../lab/lab.ts';
import { bundlesFolder } from '../places.ts';
import { cases, examples } from './cases.ts';
import { clearCase, type Played, playCase } from './play.ts';
import { raiseCaseStage } from './stage.ts';

const { values } = parseArgs({ options: { lab: { type: 'string', default: 'cases' }, case: { type: 'string' } } });
const startedAt = performance.now();
const tell = (line: string): void =>
  console.log(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${line}`);

try {
  const stage = await raiseCaseStage({ lab: values.lab, bundles: bundlesFolder(), tell });
  for (const one of cases.filter(({ name }) => (values.case ?? name) === name)) {
    console.log(`\n${one.what}: ${examples}/${one.name}`);
    const played = await playCase(one, stage);
    console.log(`\n${await stage.kubectl(['get', 'migrations'])}\n\n${outcome(played)}`);
    await clearCase(one, stage);
  }
  await stage.close();
} finally {
  await labDown(values.lab);
}
process.exit();

function outcome({ before, after, load, downtimeMs }: Played): string {
  const process = before.nonce === after.nonce ? 'the same process' : 'a new process';
  return (
    `${process}: ${before.pictures} pictures were reduced before the move, ${after.pictures} are when it is over; ` +
    `the longest hole between answers was ${downtimeMs} ms; ${load.failed} of ${load.answered} requests of the load failed`
  );
}
