import { z } from 'zod';
import { parseJson } from '../../lib/parse.ts';
import { patchOf } from '../injection/patch.ts';
import { injectablePodSchema } from '../injection/pod.ts';
import type { InjectionSettings } from '../injection/settings.ts';

/** The part of an AdmissionReview of admission.k8s.io/v1 that is answered; which pods come at all is the configuration's business. */
const reviewSchema = z.object({ request: z.object({ uid: z.string().min(1), object: injectablePodSchema }) });

export interface ReviewAnswer {
  apiVersion: 'admission.k8s.io/v1';
  kind: 'AdmissionReview';
  response: { uid: string; allowed: true; patchType?: 'JSONPatch'; patch?: string };
}

/** The answer to an AdmissionReview: always allowed, with a patch where the pod lacks its sidecar. @throws E_INPUT */
export function answerReview(body: string, settings: InjectionSettings): ReviewAnswer {
  const { request } = parseJson(reviewSchema, body, 'AdmissionReview');
  const operations = patchOf(request.object, settings);
  const patch = { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') } as const;
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: request.uid, allowed: true, ...(operations.length > 0 && patch) },
  };
}
