import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../test/helpers/nats-server.ts';
import { pidOf, spawnDecider } from '../decider/setup.ts';
import { processorSeconds, residentBytes } from '../shared/machine.ts';

/** What a decider has used and counted since its start. */
export interface Reading {
  at: number;
  processorSeconds: number;
  resident: { now: number; peak: number };
  /** Samples read, whatever became of them. */
  samples: number;
  repeated: number;
  /** Messages of all streams that did not fit their schema. */
  rejected: number;
  /** Decisions given up before they and their commands were stored. */
  unpublished: number;
  /** 0 while it does not lead. */
  epoch: number;
}

export interface DeciderHandle {
  pid: number;
  read(): Promise<Reading>;
  /** Until it leads; undefined when it did not before `deadline`, milliseconds since the epoch. */
  leads(deadline: number): Promise<Reading | undefined>;
  kill(): Promise<void>;
}

/** A decider in a process of its own; resolves when it answers. */
export async function startDecider(url: string, holder: string): Promise<DeciderHandle> {
  const port = await freePort();
  const child = spawnDecider(url, holder, String(port));
  const pid = pidOf(child);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  const read = async (): Promise<Reading> => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const count = (name: string, label = ''): number => sumOf(text, `godwit_decider_${name}`, label);
    return {
      at: Date.now(),
      processorSeconds: processorSeconds(pid),
      resident: residentBytes(pid),
      samples: count('samples_total'),
      repeated: count('samples_total', 'outcome="repeated"'),
      rejected: count('samples_total', 'outcome="rejected"') + count('rejected_messages_total'),
      unpublished: count('unpublished_total'),
      epoch: count('leader_epoch'),
    };
  };
  const leads = async (deadline: number): Promise<Reading | undefined> => {
    for (;;) {
      const reading = await read();
      if (reading.epoch > 0) return reading;
      if (Date.now() > deadline) return undefined;
      await delay(100);
    }
  };
  const answersBy = Date.now() + 60_000;
  for (;;) {
    try {
      await read();
      return { pid, read, leads, kill };
    } catch (error) {
      if (child.exitCode !== null || Date.now() > answersBy) {
        await kill();
        throw new Error(`decider ${holder} does not answer`, { cause: error });
      }
      await delay(50);
    }
  }
}

/** Sum of the series of a metric in Prometheus' text format; of those with a label where one is named. */
function sumOf(text: string, name: string, label: string): number {
  return text
    .split('\n')
    .filter((line) => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
