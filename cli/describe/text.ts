/** Lines of `label: value`, the values below each other; a label without a value is left out. */
export function fields(entries: Record<string, string | number | undefined>, indent = ''): string {
  const shown = Object.entries(entries).filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(0, ...shown.map(([label]) => label.length + 1));
  return shown.map(([label, value]) => `${indent}${`${label}:`.padEnd(width)}  ${value}\n`).join('');
}

export const section = (title: string, body: string): string => (body ? `${title}:\n${body}` : '');

export const time = (at: number): string => new Date(at).toISOString().replace('T', ' ').replace('Z', ' UTC');
