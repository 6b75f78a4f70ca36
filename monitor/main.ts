import { setFlagsFromString } from 'node:v8';

// While modules load, V8 lets the space for young objects grow to 16 MiB, and keeps it. The monitor makes little garbage: held at
// 1 MiB it needs 5 MiB less. That holds for what is loaded from here on, hence the late import.
setFlagsFromString('--semi-space-growth-factor=1');
const { run } = await import('./run.ts');
await run(process.argv.slice(2));
// A connection that is still being dialled would keep the process alive.
process.exit();
