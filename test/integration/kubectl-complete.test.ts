import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { type TestContext, test } from 'vitest';
import { stringify } from 'yaml';
import { startTlsServer } from '../helpers/tls-server.ts';

const program = resolve(import.meta.dirname, '../../bin/kubectl_complete-godwit');
const edgeNode = {
  metadata: { name: 'edge-1', uid: 'uid-edge-1', resourceVersion: '1' },
  spec: { tier: 'edge', site: 'plant' },
};
const list = JSON.stringify({ metadata: { resourceVersion: '1' }, items: [edgeNode] });

/** What a shell is offered behind `--to`, by a cluster that answers as told; `imports`: a module that is loaded first. */
async function targets({ onTestFinished }: TestContext, answer: RequestListener, imports?: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-complete-'));
  const server = await startTlsServer(answer);
  onTestFinished(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });
  const authority = Buffer.from(server.authority).toString('base64');
  const kubeconfig = join(folder, 'kubeconfig');
  const named = {
    clusters: [{ name: 'test', cluster: { server: server.url, 'certificate-authority-data': authority } }],
    users: [{ name: 'test', user: { token: 'token' } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  };
  await writeFile(
    kubeconfig,
    stringify({ ...{ apiVersion: 'v1', kind: 'Config' }, ...named, 'current-context': 'test' }),
  );
  const env = { KUBECONFIG: kubeconfig, ...(imports && { NODE_OPTIONS: `--import=data:text/javascript,${imports}` }) };
  return (await execa(program, ['migrate', 'web', '--to', ''], { env, timeout: 100_000 })).stdout;
}

/** The library needs 6 s more to be loaded, as on a machine with more to do. */
const slowly = encodeURIComponent(`
import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    if (url.endsWith('client-node/dist/index.js')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 6000);
    return next(url, context);
  },
});`);

test.concurrent('names are offered however long the program takes to start', async (context) => {
  context.expect(await targets(context, (_, response) => void response.end(list), slowly)).toBe('edge-1\n:4');
});

test.concurrent('a cluster that does not answer is not waited for, and nothing is said', async (context) => {
  context.expect(await targets(context, () => undefined)).toBe(':4');
});
