import { expect, test } from 'vitest';
import { type Files, type Handler, handlerFile, withHandler, withoutHandler } from './containerd.ts';

const plain: Handler = { program: '/opt/godwit/runtime', config: '/etc/containerd/config.toml' };
const k3s: Handler = { ...plain, config: '/var/lib/rancher/k3s/agent/etc/containerd/config-v3.toml.tmpl' };
const debian = 'version = 3\n[plugins."io.containerd.cri.v1.runtime"]\n  disable_apparmor = true\n';
const kubeadm = `${debian}[a.runc.options]\n  SystemdCgroup = true\n`;
const importing = `version = 3\nimports = ["/etc/containerd/more/*.toml"]\n`;
const old = 'version = 2\nroot = "/x"\n';
const template = '{{ template "base" . }}\n[own]\n';

/** The texts after the change, of files that were as `before` says. */
const apply = (before: Files, change: Files): Files => ({ ...before, ...change });

test.each<[string, Handler, string | undefined]>([
  ['Debian', plain, debian],
  ['a cluster of kubeadm', plain, kubeadm],
  ['a configuration with imports', plain, importing],
  ['containerd 1.7', plain, old],
  ['no configuration', plain, undefined],
  ['k3s without a template', k3s, undefined],
  ['k3s with a template', k3s, template],
])('%s: installing twice is installing once, and removing restores', (_, handler, text) => {
  const before: Files = { [handler.config]: text };
  const once = apply(before, withHandler(handler, text));
  const twice = apply(once, withHandler(handler, once[handler.config]));
  expect(twice).toEqual(once);
  const file = handlerFile(handler, once[handler.config]);
  expect(once[file]).toContain('runtimes.godwit');
  const after = apply(once, withoutHandler(handler, once[handler.config]));
  expect(after).toEqual({ ...before, ...(file !== handler.config && { [file]: undefined }) });
});

test('the import stands above the first table, and goes where the present one points', () => {
  const { [plain.config]: config } = withHandler(plain, debian);
  expect(config).toMatch(
    /^version = 3\nimports = \["\/etc\/containerd\/conf\.d\/\*\.toml"\] # added by godwit\n\[plugins/,
  );
  expect(handlerFile(plain, importing)).toBe('/etc/containerd/more/godwit.toml');
  expect(() => handlerFile(plain, 'imports = ["/etc/containerd/one.toml"]\n')).toThrow('by name alone');
});

test('the handler uses the cgroup driver of runc, and the names of its version', () => {
  const section = (handler: Handler, text: string | undefined): string =>
    withHandler(handler, text)[handlerFile(handler, text)] ?? '';
  expect(section(plain, kubeadm)).toContain('SystemdCgroup = true');
  expect(section(plain, debian)).toContain('SystemdCgroup = false');
  expect(section(plain, old)).toMatch(/^version = 2\n\[plugins\."io\.containerd\.grpc\.v1\.cri"/);
  expect(section(k3s, undefined)).toMatch(
    /^\{\{ template "base" \. \}\}\n[\s\S]*SystemdCgroup = \{\{ \.SystemdCgroup \}\}/,
  );
});
