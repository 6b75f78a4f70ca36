import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { z } from 'zod';

const folder = '/var/run/secrets/kubernetes.io/serviceaccount';
const answerMs = 5000;
const objectSchema = z.object({ metadata: z.object({ deletionTimestamp: z.string().optional() }) });

/** What the API server said of an object: its status code, and the body. */
export interface Answer {
  status: number;
  body: string;
}

/** A right that has been taken away, or an account that is gone, tells the same as an object that is gone: all came together. */
export function tellsRemoval({ status, body }: Answer): boolean {
  if ([401, 403, 404].includes(status)) return true;
  if (status !== 200) return false;
  return objectSchema.parse(JSON.parse(body)).metadata.deletionTimestamp !== undefined;
}

/** Whether the pod ends because its DaemonSet or namespace does; false when nobody answers. */
export async function isRemoved(
  daemonSet: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  const read = (file: string): Promise<string> => readFile(join(folder, file), 'utf8');
  const [token, ca, namespace] = await Promise.all(['token', 'ca.crt', 'namespace'].map(read));
  const server = `https://${env.KUBERNETES_SERVICE_HOST}:${env.KUBERNETES_SERVICE_PORT}`;
  const paths = [`/api/v1/namespaces/${namespace}`, `/apis/apps/v1/namespaces/${namespace}/daemonsets/${daemonSet}`];
  const answers = await Promise.allSettled(paths.map((path) => get(`${server}${path}`, { token, ca })));
  return answers.some((answer) => answer.status === 'fulfilled' && tellsRemoval(answer.value));
}

function get(url: string, { token, ca }: { token?: string | undefined; ca?: string | undefined }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
    const asked = request(url, { ca, headers, agent: false, timeout: answerMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    asked.on('timeout', () => asked.destroy(new Error(`${url} does not answer`)));
    asked.on('error', reject);
    asked.end();
  });
}
