import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { parseJson } from '../../lib/parse.ts';

/** What does not change while the machine runs; for the log, never for the hot path. */
const factsSchema = z.object({ kernel: z.string(), distribution: z.string(), cpuModel: z.string(), cores: z.number() });
export type NodeFacts = z.infer<typeof factsSchema>;

const program = fileURLToPath(import.meta.resolve('./facts-process.ts'));

/** Asks `systeminformation` in a process of its own, so that the library's 4 MiB go with it. */
export async function readNodeFacts(options: { signal: AbortSignal }): Promise<NodeFacts> {
  const { stdout } = await promisify(execFile)(process.execPath, [program], { ...options, timeout: 20_000 });
  return parseJson(factsSchema, stdout, 'facts of the node');
}
