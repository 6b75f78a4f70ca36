export interface CriuOptions {
  /** Descriptor of the connection to the page server, which the dump inherits. */
  pagesDescriptor?: number;
  /** Program that CRIU calls at each stage; see hold.ts. */
  actionScript?: string;
}

/**
 * CRIU configuration file (man 8 criu, "Configuration files"), given to runc and criu by CRIU_CONFIG_FILE, so that the
 * node's own /etc/criu stays untouched.
 */
export function criuConfig({ pagesDescriptor, actionScript }: CriuOptions): string {
  const lines = ['network-lock skip', 'tcp-close', 'ghost-limit 64M', 'timeout 60', 'verbosity 2'];
  if (pagesDescriptor !== undefined) lines.push('page-server', `ps-socket ${pagesDescriptor}`);
  if (actionScript) lines.push(`action-script ${actionScript}`);
  return `${lines.join('\n')}\n`;
}
