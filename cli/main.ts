import { runProcess } from './process.ts';
import { buildProgram } from './program/program.ts';

await runProcess(buildProgram);
