/** Exit statuses that are not the program's, as container runtimes and timeout(1) have them. */
export const ExitStatus = {
  TIMEOUT: 124,
  /** Ashlar's own error. */
  ASHLAR: 125,
  NOT_EXECUTABLE: 126,
  NOT_FOUND: 127,
} as const;

/** What a shell says of a program that could not be started. */
export function statusOfStartError(code: string): number {
  if (code === 'ENOENT' || code === 'ENOTDIR') return ExitStatus.NOT_FOUND;
  if (code === 'EACCES' || code === 'ENOEXEC' || code === 'EISDIR') return ExitStatus.NOT_EXECUTABLE;
  return ExitStatus.ASHLAR;
}
