import { dirname, join } from 'node:path';
import { GodwitError } from '../../lib/errors.ts';

/** Files of a node's containerd, as texts by path; undefined: the file is not there, or has to go. */
export type Files = Record<string, string | undefined>;

export interface Handler {
  /** Path on the node of the OCI runtime that containerd calls for pods of the RuntimeClass. */
  program: string;
  /** containerd's configuration. */
  config: string;
  /** k3s and RKE2 make the configuration anew at each start, from templates beside it: docs.k3s.io/advanced. */
  rendered: boolean;
}

const added = '# added by godwit';
const base = '{{ template "base" . }}\n';

/** What has to be read before anything else here is asked. */
export const filesToRead = (handler: Handler): string[] => [
  handler.config,
  ...(handler.rendered ? templatesOf(handler) : []),
];

const beside = ({ config }: Handler, name: string): string => join(dirname(config), name);
const templatesOf = (handler: Handler): string[] =>
  ['config-v3.toml.tmpl', 'config.toml.tmpl'].map((name) => beside(handler, name));

/** Where the runtime handler goes: a folder that the configuration imports, else a template where there are some. @throws E_CONFIG */
export function handlerFile(handler: Handler, texts: Files): string {
  const text = texts[handler.config];
  const imports = /^imports\s*=\s*\[([^\]]*)\]/m.exec(text ?? '')?.[1];
  const folder = /["']([^"']+)\/\*\.toml["']/.exec(imports ?? '')?.[1];
  if (folder) return join(folder, 'godwit.toml');
  // a template of version 2 may be somebody's own, which one of version 3 would put out of force
  if (handler.rendered) return beside(handler, `config${versionOf(text) === '2' ? '' : '-v3'}.toml.tmpl`);
  if (imports === undefined) return beside(handler, 'conf.d/godwit.toml');
  throw new GodwitError('E_CONFIG', `${handler.config} imports files by name alone`, {
    next: `add "${beside(handler, 'conf.d/*.toml')}" to its imports`,
  });
}

/** What the files have to be for containerd to have the handler; the same again when it has. @throws E_CONFIG */
export function withHandler(handler: Handler, texts: Files): Files {
  const text = texts[handler.config];
  const file = handlerFile(handler, texts);
  if (file.endsWith('.tmpl')) {
    const version = file.endsWith('-v3.toml.tmpl') ? '3' : '2';
    const section = handlerSection(handler, version, '{{ .SystemdCgroup }}');
    const rest = withoutSection(texts[file] ?? base);
    return { ...withoutHandler(handler, texts), [file]: `${rest}${added}\n${section}${added}: end\n` };
  }
  // as runc has it: two drivers of one cgroup tree do not agree
  const systemd = /SystemdCgroup\s*=\s*true/.test(text ?? '');
  const own = `version = ${versionOf(text)}\n${handlerSection(handler, versionOf(text), `${systemd}`)}`;
  if (handler.rendered) return { ...withoutHandler(handler, texts), [file]: own };
  return { [handler.config]: withImport(handler, text), [file]: own };
}

/** What they were before. */
export function withoutHandler(handler: Handler, texts: Files): Files {
  const file = handlerFile(handler, texts);
  const own = file.endsWith('.tmpl') ? {} : { [file]: undefined };
  if (handler.rendered)
    return { ...Object.fromEntries(templatesOf(handler).map((one) => [one, withoutOwn(texts[one])])), ...own };
  const rest = texts[handler.config]?.split('\n').filter((line) => !line.endsWith(added));
  const ours = rest?.join('\n').trim() === '';
  return { [handler.config]: ours ? undefined : rest?.join('\n'), ...own };
}

/** Undefined for a template that nobody else has put anything into. */
function withoutOwn(template: string | undefined): string | undefined {
  const rest = withoutSection(template ?? '');
  return rest === template ? template : rest.trim() === '' || rest === base ? undefined : rest;
}

function withImport(handler: Handler, text: string | undefined): string {
  const line = `imports = ["${beside(handler, 'conf.d/*.toml')}"] ${added}`;
  if (text === undefined) return `version = 3 ${added}\n${line}\n`;
  if (/^imports\s*=/m.test(text)) return text;
  // a key of the top level has to stand before the first table
  const version = /^version\s*=.*$/m.exec(text);
  if (!version) return `${line}\n${text}`;
  const end = version.index + version[0].length;
  return `${text.slice(0, end)}\n${line}${text.slice(end)}`;
}

const versionOf = (text: string | undefined): string => /^version\s*=\s*(\d)/m.exec(text ?? '')?.[1] ?? '3';

function handlerSection({ program }: Handler, version: string, systemd: string): string {
  const plugin = version === '2' ? 'io.containerd.grpc.v1.cri' : 'io.containerd.cri.v1.runtime';
  const table = `plugins."${plugin}".containerd.runtimes.godwit`;
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
