import { z } from 'zod';
import { ociConfig } from '../../lib/oci-config.ts';

/** Of the config.json that `umoci unpack` makes, what is the image's own: its program, with the user's name looked up. */
export const imageProcessSchema = z.object({
  args: z.array(z.string()).min(1),
  env: z.array(z.string()),
  cwd: z.string(),
  user: z.object({
    uid: z.number().int(),
    gid: z.number().int(),
    additionalGids: z.array(z.number().int()).default([]),
  }),
});
export type ImageProcess = z.infer<typeof imageProcessSchema>;

/** What podman gives to root in a container (containers-common, containers.conf: default_capabilities). */
const rootCapabilities = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_NET_BIND_SERVICE',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
];

const mounts = [
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
  },
  {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=64m'],
  },
];

/**
 * The config.json of a workload that runs an image: the image's program in a container that CRIU can dump and restore. Volumes
 * become plain folders, whose files move; ports, health check and stop signal are left out. Pure.
 */
export function imageConfig(image: ImageProcess, hostname: string): object {
  const held = image.user.uid === 0 ? rootCapabilities : [];
  const capabilities = { bounding: rootCapabilities, effective: held, permitted: held };
  return ociConfig({ hostname, process: { ...image, capabilities }, mounts });
}
