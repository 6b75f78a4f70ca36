import { dirname, join } from 'node:path';
import { GodwitError } from '../../lib/errors.ts';

/** Files of a node's containerd, as texts by path; undefined: the file is not there, or has to go. */
export type Files = Record<string, string | undefined>;

export interface Handler {
  /** Path on the node of the OCI runtime that containerd calls for pods of the RuntimeClass. */
  program: string;
  /** containerd's configuration, or the template from which k3s makes it: one ending in `.tmpl`. */
  config: string;
}

const added = '# added by godwit';
const k3sBase = '{{ template "base" . }}\n';

/** Where the runtime handler goes, given containerd's configuration. @throws E_CONFIG */
export function handlerFile({ config }: Handler, text: string | undefined): string {
  if (config.endsWith('.tmpl')) return config;
  const imports = /^imports\s*=\s*\[([^\]]*)\]/m.exec(text ?? '')?.[1];
  if (imports === undefined) return join(dirname(config), 'conf.d/godwit.toml');
  const folder = /["']([^"']+)\/\*\.toml["']/.exec(imports)?.[1];
  if (folder) return join(folder, 'godwit.toml');
  throw new GodwitError('E_CONFIG', `${config} imports files by name alone`, {
    next: `add "${join(dirname(config), 'conf.d/*.toml')}" to its imports`,
  });
}

/** What the files have to be for containerd to have the handler; the same again when it has. @throws E_CONFIG */
export function withHandler(handler: Handler, text: string | undefined): Files {
  const file = handlerFile(handler, text);
  const section = handlerSection(handler, text);
  if (file === handler.config)
    return { [file]: `${withoutSection(text ?? k3sBase)}${added}\n${section}${added}: end\n` };
  return { [handler.config]: withImport(handler, text), [file]: `version = ${versionOf(text)}\n${section}` };
}

/** What they were before. */
export function withoutHandler(handler: Handler, text: string | undefined): Files {
  const file = handlerFile(handler, text);
  if (file === handler.config) {
    const rest = withoutSection(text ?? '');
    return { [file]: rest.trim() === '' || rest === k3sBase ? undefined : rest };
  }
  const rest = text?.split('\n').filter((line) => !line.endsWith(added));
  const own = rest?.join('\n').trim() === '';
  return { [handler.config]: own ? undefined : rest?.join('\n'), [file]: undefined };
}

function withImport({ config }: Handler, text: string | undefined): string {
  const line = `imports = ["${join(dirname(config), 'conf.d/*.toml')}"] ${added}`;
  if (text === undefined) return `version = 3 ${added}\n${line}\n`;
  if (/^imports\s*=/m.test(text)) return text;
  // a key of the top level has to stand before the first table
  const version = /^version\s*=.*$/m.exec(text);
  if (!version) return `${line}\n${text}`;
  const end = version.index + version[0].length;
  return `${text.slice(0, end)}\n${line}${text.slice(end)}`;
}

const versionOf = (text: string | undefined): string => /^version\s*=\s*(\d)/m.exec(text ?? '')?.[1] ?? '3';

function handlerSection({ program, config }: Handler, text: string | undefined): string {
  const old = config.endsWith('.tmpl') ? !config.endsWith('-v3.toml.tmpl') : versionOf(text) === '2';
  const plugin = old ? 'io.containerd.grpc.v1.cri' : 'io.containerd.cri.v1.runtime';
  const table = `plugins."${plugin}".containerd.runtimes.godwit`;
  // as runc has it: two drivers of one cgroup tree do not agree
  const systemd = config.endsWith('.tmpl') ? '{{ .SystemdCgroup }}' : /SystemdCgroup\s*=\s*true/.test(text ?? '');
  return `[${table}]
  runtime_type = "io.containerd.runc.v2"
  pod_annotations = ["godwit.dev/*"]
  [${table}.options]
    BinaryName = "${program}"
    SystemdCgroup = ${systemd}
`;
}

function withoutSection(text: string): string {
  const [begin, end] = [text.indexOf(`${added}\n`), text.indexOf(`${added}: end\n`)];
  return begin < 0 || end < begin ? text : text.slice(0, begin) + text.slice(end + `${added}: end\n`.length);
}
