import { setFlagsFromString } from 'node:v8';

// As the node's monitor does.
setFlagsFromString('--semi-space-growth-factor=1');
const { run } = await import('./run.ts');
await run(process.argv.slice(2), process.env);
// A connection that is still being dialled would keep the process alive.
process.exit();
