import { parseArgs } from 'node:util';
import { GodwitError, messageOf } from '../lib/errors.ts';
import { loadNodeConfig, type NodeConfig } from '../lib/node-config.ts';

/** `--config FILE`; E_CONFIG with the faulty flag or the paths of the faulty fields. */
export const readConfig = async (args: readonly string[]): Promise<NodeConfig> => loadNodeConfig(configPath(args));

function configPath(args: readonly string[]): string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { config: { type: 'string', default: '/etc/godwit/node.yaml' } },
    });
    return values.config;
  } catch (error) {
    throw new GodwitError('E_CONFIG', messageOf(error), { cause: error, next: 'usage: monitor --config FILE' });
  }
}
