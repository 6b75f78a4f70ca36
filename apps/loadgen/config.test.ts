import { expect, test } from 'vitest';
import { loadOptions } from './config.ts';

const url = 'http://127.0.0.1:8080/sessions/s{client}/items/hat?n={n}';

test('fills in the numbers of request and client, and takes defaults', () => {
  const options = loadOptions({ url, method: 'PUT', body: '{"quantity":{n}}', clients: '8' });
  expect(options.call(7, 3)).toEqual({
    url: 'http://127.0.0.1:8080/sessions/s3/items/hat?n=7',
    method: 'PUT',
    body: '{"quantity":7}',
  });
  expect(options).toMatchObject({
    loop: { kind: 'closed', clients: 8 },
    durationMs: 10_000,
    maxRequests: 1_000_000,
    retryForMs: 10_000,
  });
});

test('a profile makes it an open loop', () => {
  expect(loadOptions({ url, profile: '0:5', duration: '2.5' })).toMatchObject({
    loop: { kind: 'open', profile: [{ fromMs: 0, perSecond: 5 }], maxInFlight: 1000 },
    durationMs: 2500,
  });
});

test('all faults are told at once, and two loops are refused', () => {
  expect(() => loadOptions({ url: 'https://x', clients: '0', profile: 'fast' })).toThrow(
    /"url".*"clients".*"profile"/s,
  );
  expect(() => loadOptions({ url, clients: '1', profile: '0:1' })).toThrow('not both');
});
