import { setFlagsFromString } from 'node:v8';

// While modules load, V8 lets the space for young objects grow to 16 MiB, and keeps it. Held at 1 MiB the controllers need 30 MiB less where
// they read a kubeconfig, 5 in a pod. That holds for what is loaded from here on, hence the late import.
setFlagsFromString('--semi-space-growth-factor=1');
const { run } = await import('./run.ts');
await run(process.argv.slice(2));
