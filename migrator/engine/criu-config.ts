export interface CriuOptions {
  tls?: { ca: string; cert: string; key: string };
  /** Program that CRIU calls at each stage; see hold.ts. */
  actionScript?: string;
}

/**
 * CRIU configuration file (man 8 criu, "Configuration files"), given to runc and criu by CRIU_CONFIG_FILE, so that the
 * node's own /etc/criu stays untouched. Peers are checked against the CA alone: CRIU knows them by address, not by name.
 */
export function criuConfig(options: CriuOptions): string {
  const lines = ['network-lock skip', 'tcp-close', 'ghost-limit 64M', 'timeout 60', 'verbosity 2'];
  if (options.tls) {
    const { ca, cert, key } = options.tls;
    lines.push('tls', `tls-cacert ${ca}`, `tls-cert ${cert}`, `tls-key ${key}`, 'tls-no-cn-verify');
  }
  if (options.actionScript) lines.push(`action-script ${options.actionScript}`);
  return `${lines.join('\n')}\n`;
}
