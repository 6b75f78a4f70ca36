import { type Pod, podSchema } from './pod.ts';

type Fields = { [field: string]: unknown };

export interface PodParts {
  name?: string;
  namespace?: string;
  metadata?: Fields;
  spec?: Fields;
  /** Of the one container. */
  container?: Fields;
  status?: Fields;
}

/** A pod as the API server tells it, that can move with its memory unless the parts say otherwise. For tests. */
export function podObject({ name = 'web-1', namespace = 'shop', ...parts }: PodParts = {}): Fields {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, uid: `uid-${name}`, resourceVersion: '1', ...parts.metadata },
    spec: {
      nodeName: 'edge-1',
      runtimeClassName: 'godwit',
      containers: [{ name: 'main', image: 'registry.test/web:1', ...parts.container }],
      ...parts.spec,
    },
    status: { phase: 'Running', ...parts.status },
  };
}

export const podOf = (parts: PodParts = {}): Pod => podSchema.parse(podObject(parts));
