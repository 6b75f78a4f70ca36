import { resolve } from 'node:path';
import { z } from 'zod';
import { GodwitError } from '../../lib/errors.ts';
import { readIfPresent, writeDurably } from '../../lib/files.ts';
import { parseJson } from '../../lib/parse.ts';
import { identify, isRunning, type ProcessId, processIdSchema } from '../../lib/process-id.ts';

const recordSchema = processIdSchema.extend({
  name: z.string(),
  /** What was run; a process of another command line is not taken over. */
  command: z.array(z.string()),
  startedAt: z.number().int(),
  restarts: z.number().int().nonnegative(),
});
export type ServiceRecord = z.infer<typeof recordSchema>;

/** `services.json` in the run folder: who supervises, and what runs. */
const registrySchema = z.strictObject({ supervisor: processIdSchema, services: z.array(recordSchema) });

export interface Registry {
  /** The process of a service that a former supervisor has left running. */
  inherited(name: string): Promise<ServiceRecord | undefined>;
  set(record: ServiceRecord): Promise<void>;
}

/** Claims the run folder. @throws E_BUSY while another supervisor lives */
export async function openRegistry(runDir: string): Promise<Registry> {
  const path = resolve(runDir, 'services.json');
  const running = await runningSupervisor(runDir);
  if (running)
    throw new GodwitError('E_BUSY', `${runDir} belongs to a running supervisor, process ${running.pid}`, {
      next: `end it first: kill ${running.pid}`,
    });
  const former = await readRegistry(path);
  const services = new Map(former?.services.map((record) => [record.name, record]));
  const supervisor = (await identify(process.pid)) as ProcessId;
  let writing: Promise<void> = Promise.resolve();
  const write = (): Promise<void> => {
    const content = { supervisor, services: [...services.values()] };
    writing = writing.then(() => writeDurably(path, `${JSON.stringify(content, null, 2)}\n`));
    return writing;
  };
  await write();
  return {
    inherited: async (name) => {
      const record = services.get(name);
      return record && (await isRunning(record)) ? record : undefined;
    },
    set: (record) => {
      services.set(record.name, record);
      return write();
    },
  };
}

/** Process that supervises this run folder now. */
export async function runningSupervisor(runDir: string): Promise<ProcessId | undefined> {
  const supervisor = (await readRegistry(resolve(runDir, 'services.json')))?.supervisor;
  return supervisor && (await isRunning(supervisor)) ? supervisor : undefined;
}

async function readRegistry(path: string): Promise<z.infer<typeof registrySchema> | undefined> {
  const text = await readIfPresent(path);
  return text === undefined ? undefined : parseJson(registrySchema, text, path);
}
