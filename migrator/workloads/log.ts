const limitBytes = 8 << 20;

/**
 * Shell redirection that appends a workload's output to its log and starts a new one at 8 MiB, keeping one old. The writer is a
 * process of its own at the end of a pipe: CRIU can move a pipe to another writer, an open file outside the container it can not.
 * Unbuffered: what the workload has said stands in the log at once, not when 4 KiB have come together.
 */
export function logPipe(file: string): string {
  const quoted = `'${file.replaceAll("'", "'\\''")}'`;
  const rotate = `[ "$(stat -c %s ${quoted})" -lt ${limitBytes} ] && break; mv ${quoted} ${quoted}.1`;
  return `2>&1 | while :; do stdbuf -o0 head -c ${limitBytes} >> ${quoted}; ${rotate}; done`;
}
