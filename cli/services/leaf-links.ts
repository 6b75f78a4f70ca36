import type { NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { request } from '../../lib/bus/request.ts';
import type { Clock } from '../../lib/clock.ts';
import { GodwitError } from '../../lib/errors.ts';

const timeoutMs = 2000;
const reloadMs = 10_000;

// The server's own monitoring, asked over its system account; only the fields that are used (nats-server 2.14 `Varz`, `LeafInfo`).
const varzSchema = z.object({
  server: z.object({ id: z.string() }),
  data: z.object({ config_load_time: z.iso.datetime({ offset: true }) }),
});
const leafzSchema = z.object({
  data: z.object({ leafs: z.array(z.object({ id: z.number().int() })).nullish() }),
});

interface LoadedConfig {
  serverId: string;
  loadedAt: string;
}

export async function loadedConfig(system: NatsConnection): Promise<LoadedConfig> {
  const { server, data } = await request(system, '$SYS.REQ.SERVER.PING.VARZ', {}, varzSchema, { timeoutMs });
  return { serverId: server.id, loadedAt: data.config_load_time };
}

/**
 * Once the server has loaded a newer configuration than `before`, ends all links from leaves: they come back within a second, with the
 * rights that the new one gives them. The server itself gives new rights only to new links. Returns how many there were.
 */
export async function remakeLeafLinks(system: NatsConnection, before: LoadedConfig, clock: Clock): Promise<number> {
  const end = clock.monotonic() + reloadMs;
  for (;;) {
    const now = await loadedConfig(system);
    if (now.serverId !== before.serverId) return 0; // a new server has only new links
    if (now.loadedAt !== before.loadedAt) break;
    if (clock.monotonic() > end) throw new GodwitError('E_TIMEOUT', 'nats-server does not load its new configuration');
    await clock.sleep(50);
  }
  const server = `$SYS.REQ.SERVER.${before.serverId}`;
  const { data } = await request(system, `${server}.LEAFZ`, {}, leafzSchema, { timeoutMs });
  const leaves = data.leafs ?? [];
  for (const { id } of leaves)
    await system.request(`${server}.KICK`, JSON.stringify({ cid: id }), { timeout: timeoutMs });
  return leaves.length;
}
