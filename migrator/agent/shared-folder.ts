import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GodwitError, messageOf } from '../../lib/errors.ts';
import type { AgentContext } from './context.ts';

/** Images of one migration in the folder that the nodes share; undefined where this node has none. */
export const sharedImages = (context: AgentContext, migration: string): string | undefined =>
  context.config.data.shared && join(context.config.data.shared, migration, 'images');

/** Makes the folder at the source; answers whether there is one. @throws E_PREFLIGHT when it can not be made */
export async function offerShared(context: AgentContext, migration: string): Promise<boolean> {
  const images = sharedImages(context, migration);
  if (!images) return false;
  await mkdir(images, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    const message = `data.shared of ${context.config.name} can not be written to: ${messageOf(error)}`;
    throw new GodwitError('E_PREFLIGHT', message, {
      cause: error,
      next: 'mount it, or take data.shared out of node.yaml',
    });
  });
  return true;
}

/** Whether this node sees the folder that the source has made: two that are configured may still share nothing. */
export async function seesShared(context: AgentContext, migration: string): Promise<boolean> {
  const images = sharedImages(context, migration);
  if (!images) return false;
  return stat(images).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

export async function removeShared(context: AgentContext, migration: string): Promise<void> {
  const images = sharedImages(context, migration);
  if (images) await rm(join(images, '..'), { recursive: true, force: true });
}
