import { linkCut, linkHeal } from '../../lab/lab.ts';
import { killService, type ServiceName } from '../helpers/fleet-services.ts';
import type { Scene } from './scene.ts';

/** kill -9 of a service on one of the scene's nodes, or on the hub. */
export const kill =
  (service: ServiceName, where: 'source' | 'target' | 'driver' | 'hub') =>
  async (scene: Scene): Promise<void> => {
    await killService(scene.fleet, where === 'hub' ? 'hub' : scene[where].name, service);
  };

/** Nothing passes between the edge and the rest any more. */
export async function cutLink({ fleet, source, onExit }: Scene): Promise<void> {
  await linkCut(fleet.name, { node: source.name });
  onExit(() => linkHeal(fleet.name, { node: source.name }));
}

export const healLink = ({ fleet, source }: Scene): Promise<void> => linkHeal(fleet.name, { node: source.name });
