import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What bundled CommonJS packages, such as the loader of TensorFlow.js's wasm, expect to find. */
const commonJsNames = 'const __dirname = import.meta.dirname, __filename = import.meta.filename;';

/**
 * Bundles an app's `main.ts` with all that it imports into one `app/main.mjs`: Node need not strip types when it
 * starts (whose compiler would stay in the memory that a migration carries), and the rootfs holds no package trees.
 */
export async function bundleNode(source: string, rootfs: string): Promise<void> {
  const { build } = await import('vite'); // late: it takes longer to load than an up-to-date build takes
  await build({
    root: source,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    ssr: { noExternal: true },
    build: {
      ssr: 'main.ts',
      outDir: join(rootfs, 'app'),
      emptyOutDir: false,
      target: 'node24',
      minify: false,
      rolldownOptions: { output: { entryFileNames: 'main.mjs', codeSplitting: false, banner: commonJsNames } },
    },
  });
}

/** Compiles a Go app to a static `app/main` that does not depend on where or when it was built. */
export async function compileGo(source: string, rootfs: string): Promise<void> {
  const env = { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local' };
  const args = [
    'build',
    '-trimpath',
    '-buildvcs=false',
    '-ldflags=-s -w -buildid=',
    '-o',
    join(rootfs, 'app/main'),
    '.',
  ];
  await run('go', args, { cwd: source, env });
}
