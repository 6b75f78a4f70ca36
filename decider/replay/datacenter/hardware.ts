/** The set-up of Beloglazov & Buyya, CCPE 24(13), 2012, as the released CloudSim runs it. MIPS, MB, seconds, watts. */
export const stepSeconds = 300;
export const daySeconds = 86_400;
export const hostCount = 800;

export interface HostType {
  name: string;
  /** Of each of its two cores. */
  coreMips: number;
  totalMips: number;
  memoryMb: number;
  /** Power at 0, 10, ... 100 % use (SPECpower_ssj2008). */
  watts: readonly number[];
}

/** Alternating by index. */
export const hostTypes: readonly HostType[] = [
  {
    name: 'HP ProLiant ML110 G4',
    coreMips: 1860,
    totalMips: 3720,
    memoryMb: 4096,
    watts: [86, 89.4, 92.6, 96, 99.5, 102, 106, 108, 112, 114, 117],
  },
  {
    name: 'HP ProLiant ML110 G5',
    coreMips: 2660,
    totalMips: 5320,
    memoryMb: 4096,
    watts: [93.7, 97, 101, 105, 110, 116, 121, 125, 129, 133, 135],
  },
];

export interface VmType {
  mips: number;
  memoryMb: number;
}

/** The first quarter of the traces is of the first type, and so on. */
export const vmTypes: readonly VmType[] = [
  { mips: 2500, memoryMb: 870 },
  { mips: 2000, memoryMb: 1740 },
  { mips: 1000, memoryMb: 1740 },
  { mips: 500, memoryMb: 613 },
];

export const vmTypeOf = (index: number, count: number): VmType =>
  vmTypes[Math.floor(index / Math.ceil(count / vmTypes.length))] ?? (vmTypes[0] as VmType);

/** Half of 1 Gbit/s is there for migrations. */
const migrationMbPerSecond = 62.5;
export const migrationSeconds = (memoryMb: number): number => memoryMb / migrationMbPerSecond;

/** A VM runs this much slower while it moves; its target meanwhile bears the rest of its demand. */
export const migratingShare = 0.9;
export const arrivingShare = 0.1;

/** Linear between the measured points. @param utilization 0..1 */
export function powerAt({ watts }: HostType, utilization: number): number {
  const below = Math.min(Math.floor(utilization * 10), 9);
  const low = watts[below] ?? 0;
  return low + ((watts[below + 1] ?? 0) - low) * (utilization * 10 - below);
}
