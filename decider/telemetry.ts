import type { JsMsg } from '@nats-io/jetstream';
import { type Telemetry, telemetrySchema } from '../lib/contract/telemetry.ts';
import { telemetrySubject } from '../lib/subjects.ts';
import { parseMessage } from './intake.ts';

/** A sample that its subject vouches for: the server lets a monitor publish under its own name only. */
export function parseTelemetry(message: JsMsg): Telemetry {
  const sample = parseMessage(telemetrySchema, message);
  const expected = telemetrySubject(sample.site, sample.node);
  if (message.subject !== expected)
    throw new RangeError(`site, node: expected those of the subject ${message.subject}`);
  return sample;
}
