import { type Console, Errno, type Machine, type Reply } from '@ashlar/hardware';

/**
 * Asks the machine's console, with the handshake before it where that is still to be done: it is told from the answer, so that a restored console keeps what
 * was typed. undefined: the machine has none.
 */
export function askConsole(machine: Machine, request: (console: Console) => Reply): Reply | undefined {
  const device = machine.device('console');
  if (device?.kind !== 'console') return undefined;
  const console = device as Console;
  const reply = request(console);
  if (reply !== -Errno.EIO) return reply;
  const reset = console.reset();
  if (reset !== 0) return reset;
  const accepted = console.accept(console.offered());
  return accepted < 0 ? accepted : request(console);
}
