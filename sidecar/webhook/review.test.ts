import { expect, test } from 'vitest';
import { answerReview } from './review.ts';

const settings = { image: 'registry/godwit:1', nodes: ['edge-1'] };
const review = (spec: object): string =>
  JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { uid: 'r-1', operation: 'CREATE', object: { apiVersion: 'v1', kind: 'Pod', metadata: {}, spec } },
  });

test('a pod of a node with sidecars is allowed, with a patch', () => {
  const { response, ...rest } = answerReview(review({ nodeName: 'edge-1', containers: [] }), settings);
  expect(rest).toEqual({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' });
  expect(response).toMatchObject({ uid: 'r-1', allowed: true, patchType: 'JSONPatch' });
  const operations = JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString());
  expect(operations.at(-1)).toMatchObject({
    op: 'add',
    path: '/spec/initContainers/0',
    value: { name: 'godwit-monitor' },
  });
});

test('any other is allowed as it is', () => {
  expect(answerReview(review({ nodeName: 'cloud-1' }), settings).response).toEqual({ uid: 'r-1', allowed: true });
});

test.each(['', '{}', '{"request": {"uid": ""}}', '{"request": {"uid": "r-1", "object": {"spec": 7}}}'])(
  '%j is no review',
  (body) => expect(() => answerReview(body, settings)).toThrow(expect.objectContaining({ code: 'E_INPUT' })),
);
