import { cpu, osInfo } from 'systeminformation';
import type { NodeFacts } from './facts.ts';

const [processor, system] = await Promise.all([cpu(), osInfo()]);
const facts: NodeFacts = {
  kernel: system.kernel,
  distribution: `${system.distro} ${system.release}`.trim(),
  cpuModel: `${processor.manufacturer} ${processor.brand}`.trim(),
  cores: processor.cores,
};
process.stdout.write(JSON.stringify(facts));
