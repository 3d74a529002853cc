import type { ProcessView } from './host.ts';
import type { Process } from './process.ts';
import type { UnixTask } from './task.ts';

const INIT_NAME = new TextEncoder().encode('init');

/** A process as /proc shows it, at the time of asking. */
export function processView(process: Process): ProcessView {
  const task = process.leader;
  return {
    pid: process.pid,
    parent: process.parent?.pid ?? 0,
    processGroup: process.processGroup,
    session: process.session,
    state: stateOf(process, task),
    name: task?.name ?? (process.pid === 1 ? INIT_NAME : process.lastName),
    argv: process.argv,
    environment: process.environment,
    executable: process.executable?.file.place,
    directories: task?.directories,
    credentials: process.credentials,
    space: task?.space,
    threads: [...process.threads].map((thread) => thread.id),
    terminal: process.controllingTerminal,
    userNs: process.usage.userNs,
    systemNs: process.usage.systemNs,
    startNs: process.startNs,
    heapStart: task?.memory.heapStart ?? 0,
    heapEnd: task?.memory.heapEnd ?? 0,
    descriptors: () => task?.descriptors.open() ?? [],
    description: (fd) => task?.descriptors.get(fd),
  };
}

function stateOf(process: Process, task: UnixTask | undefined): ProcessView['state'] {
  if (process.zombie) return 'Z';
  if (process.stopped) return 'T';
  if (task === undefined) return 'S';
  if (task.state === 'parked') return task.interruptible ? 'S' : 'D';
  return 'R';
}
