import { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTlsServer, type TlsServer } from '../test/helpers/tls-server.ts';
import { createKubeClient, type KubeClient } from './client.ts';
import { createHttp, type Http } from './http.ts';
import { resources } from './resource.ts';

let server: TlsServer;
let http: Http;
let client: KubeClient;
const seen: {
  method?: string | undefined;
  url?: string | undefined;
  type?: string | undefined;
  token?: string | undefined;
}[] = [];
const ports = new Set<number | undefined>();

beforeAll(async () => {
  server = await startTlsServer((request, response) => {
    const { method, url, headers, socket } = request;
    seen.push({ method, url, type: headers['content-type'], token: headers.authorization });
    ports.add(socket.remotePort);
    if (url?.startsWith('/silent')) return;
    if (url?.startsWith('/half')) return void response.writeHead(200).write('half');
    if (url?.includes('watch=true')) {
      const bookmark = { type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } };
      response.write(JSON.stringify(bookmark));
      return void response.write('\n');
    }
    if (url?.includes('missing')) return void response.writeHead(404).end('404 page not found');
    const metadata = { name: 'a', uid: 'u', resourceVersion: '1' };
    response.end(JSON.stringify({ metadata, items: [] }));
  });
  const config = new KubeConfig();
  const caData = Buffer.from(server.authority).toString('base64');
  config.loadFromClusterAndUser(
    { name: 'c', server: server.url, caData, skipTLSVerify: false },
    { name: 'u', token: 'secret' },
  );
  http = createHttp(config);
  client = createKubeClient(config);
});
afterAll(() => server.close());

describe('requests', () => {
  test.each(['/silent', '/half'])(
    '%s: no whole answer in time is told, and the next request is answered',
    async (path) => {
      const asked = http.send('asking', 'GET', path, { timeoutMs: 200 });
      await expect(asked).rejects.toMatchObject({
        code: 'E_KUBERNETES',
        status: 0,
        message: expect.stringContaining('asking'),
      });
      expect(await client.get(resources.pods, { namespace: 'x', name: 'a' })).toMatchObject({
        metadata: { name: 'a' },
      });
    },
  );

  test('carry the credentials, and one connection serves them one after the other', async () => {
    ports.clear();
    for (let call = 0; call < 5; call++) await client.get(resources.nodes, { name: 'a' });
    expect(seen.at(-1)).toMatchObject({ method: 'GET', url: '/api/v1/nodes/a', token: 'Bearer secret' });
    expect(ports.size).toBe(1);
  });

  test.each([
    ['merge', { kind: 'merge', body: {} } as const, 'application/merge-patch+json', ''],
    ['json', { kind: 'json', operations: [] } as const, 'application/json-patch+json', ''],
    [
      'apply',
      { kind: 'apply', fieldManager: 'me', body: {} } as const,
      'application/apply-patch+yaml',
      '?fieldManager=me&force=true',
    ],
  ])('a patch by %s says what it is', async (_, patch, type, query) => {
    await client.patch(resources.migrations, { namespace: 'x', name: 'a' }, patch, { subresource: 'status' });
    const url = `/apis/godwit.dev/v1alpha1/namespaces/x/migrations/a/status${query}`;
    expect(seen.at(-1)).toMatchObject({ method: 'PATCH', url, type });
  });

  test('what is not there is undefined to readers and false to those who delete it', async () => {
    expect(await client.get(resources.nodes, { name: 'missing' })).toBeUndefined();
    expect(await client.delete(resources.nodes, { name: 'missing' })).toBe(false);
  });

  test('a watch tells line by line, and ends at once when it is no longer wanted', async () => {
    const stop = new AbortController();
    const told: string[] = [];
    const watching = async (): Promise<void> => {
      const selection = { resourceVersion: '1', seconds: 60 };
      for await (const { type } of client.watch(resources.pods, selection, { signal: stop.signal })) {
        told.push(type);
        stop.abort(new Error('enough'));
      }
    };
    await expect(watching()).rejects.toMatchObject({ code: 'E_KUBERNETES' });
    expect(told).toEqual(['BOOKMARK']);
    expect(seen.at(-1)?.url).toContain('allowWatchBookmarks=true');
  });
});
