import { runProcess } from './process.ts';
import { buildClusterProgram } from './program/cluster.ts';

await runProcess(buildClusterProgram);
