import { createHash } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { KubeClient } from './client.ts';
import { hasStatus } from './kube-error.ts';
import { type Metadata, microTime } from './objects/meta.ts';
import { apiVersionOf, type Resource, resources } from './resource.ts';

/** Something that people should read in `kubectl describe`. */
export interface KubeEvent {
  type: 'Normal' | 'Warning';
  /** Why it happened, one word in camel case. */
  reason: string;
  /** What was done or refused, one word in camel case. */
  action: string;
  /** One sentence; cut after 1024 characters. */
  note: string;
}

export interface EventRecorder {
  /** Tells of the object; the same of the same object is told once. A failure is logged and no more. */
  record(resource: Resource, about: Pick<Metadata, 'name' | 'namespace' | 'uid'>, event: KubeEvent): Promise<void>;
}

export interface EventRecorderOptions {
  client: KubeClient;
  /** Such as `godwit.dev/migration`. */
  controller: string;
  /** Names this process. */
  instance: string;
  clock: Clock;
  log: Logger;
}

/** Events of cluster-scoped objects stand where kubectl looks for them. */
const namespaceOfOthers = 'default';

export function createEventRecorder({ client, controller, instance, clock, log }: EventRecorderOptions): EventRecorder {
  return {
    record: async (resource, about, event) => {
      const { name, uid } = about;
      const namespace = about.namespace ?? namespaceOfOthers;
      const body = {
        metadata: { name: eventName(about, event), namespace },
        regarding: {
          apiVersion: apiVersionOf(resource),
          kind: resource.kind,
          name,
          uid,
          ...(about.namespace !== undefined && { namespace }),
        },
        ...event,
        note: event.note.slice(0, 1024),
        eventTime: microTime(clock.now()),
        reportingController: controller,
        reportingInstance: instance.slice(0, 128),
      };
      try {
        await client.create(resources.events, body);
      } catch (error) {
        // somebody has told it already
        if (!hasStatus(error, 409)) log.warn({ err: error, event }, 'event not recorded');
      }
    },
  };
}

/** The same for the same news, so that a repeat is refused by the API server. */
function eventName({ name, uid }: Pick<Metadata, 'name' | 'uid'>, { reason, note }: KubeEvent): string {
  const hash = createHash('sha256').update(`${uid}\n${reason}\n${note}`).digest('hex').slice(0, 16);
  return `${name.slice(0, 200)}.${hash}`;
}
