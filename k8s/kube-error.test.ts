import { describe, expect, test } from 'vitest';
import { hasStatus, KubeError, refusalOf, toKubeError } from './kube-error.ts';

const status = { kind: 'Status', reason: 'AlreadyExists', message: 'pods "a" already exists', code: 409 };

describe('refusals', () => {
  test.each([
    ['a Status', 409, JSON.stringify(status), 'doing: pods "a" already exists', 'AlreadyExists', 'E_KUBERNETES'],
    ['a conflict', 409, '{"reason":"Conflict","message":"changed"}', 'doing: changed', 'Conflict', 'E_CONFLICT'],
    ['plain text', 404, '404 page not found\n', 'doing: 404 page not found', '', 'E_KUBERNETES'],
    ['nothing', 502, '', 'doing: HTTP status 502', '', 'E_KUBERNETES'],
    ['JSON of something else', 500, '["a"]', 'doing: ["a"]', '', 'E_KUBERNETES'],
  ])('%s', (_, code, body, message, reason, errorCode) => {
    expect(refusalOf('doing', code, body)).toMatchObject({ message, reason, status: code, code: errorCode });
  });

  test('no answer is told with the reason that is hidden in the cause, and a refusal passes', () => {
    const hidden = new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
    const error = toKubeError(hidden, 'listing pods');
    expect(error).toMatchObject({ message: 'listing pods: fetch failed: connect ECONNREFUSED', status: 0 });
    const refusal = new KubeError('no', { status: 403, reason: 'Forbidden' });
    expect(toKubeError(refusal, 'again')).toBe(refusal);
    expect([hasStatus(refusal, 404, 403), hasStatus(new Error('no'), 0)]).toEqual([true, false]);
  });
});
