import type { Mutant } from '@ashlar/conformance';
import { Errno } from '@ashlar/hardware';
import type { Personality, TaskSystem } from '@ashlar/kernel-stub';
import { type RigParts, SystemRig } from './rig.ts';

/** What a broken kernel never finishes is given up after so many steps; no program of the suite needs a tenth of it. */
const MUTANT_STEPS_MAX = 300;

/** A System whose guest face differs in what `changes` replace: personalities are given the changed one. */
function withTasks(parts: RigParts, changes: (tasks: TaskSystem) => Partial<TaskSystem>): SystemRig {
  const changed = new WeakMap<TaskSystem, TaskSystem>();
  const change = (tasks: TaskSystem): TaskSystem => {
    let proxy = changed.get(tasks);
    if (proxy === undefined) {
      const replaced = changes(tasks);
      proxy = new Proxy(tasks, {
        get: (target, key) => {
          const value: unknown = key in replaced ? replaced[key as keyof TaskSystem] : Reflect.get(target, key);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      changed.set(tasks, proxy);
    }
    return proxy;
  };
  const wrap = (personality: Personality): Personality => ({
    abi: personality.abi,
    isa: personality.isa,
    needs: personality.needs,
    recognises: (head) => personality.recognises(head),
    load: (request, out) => personality.load(request, out),
    onTrap: (tasks, task, trap) => personality.onTrap(change(tasks), task, trap),
    onHalt: (tasks, task) => personality.onHalt(change(tasks), task),
    deliver: (tasks, task, delivery) => personality.deliver(change(tasks), task, delivery),
    cloned: (parent, child, spec) => personality.cloned(parent, child, spec),
  });
  return new SystemRig({ ...parts, stepsMax: MUTANT_STEPS_MAX, personalities: () => parts.personalities().map(wrap) });
}

const mutant = (
  clause: string,
  name: string,
  parts: RigParts,
  changes: (tasks: TaskSystem) => Partial<TaskSystem>,
  ...also: string[]
): Mutant<SystemRig> => ({ clause, name, also, mutate: () => withTasks(parts, changes) });

/** Broken kernels, each on one clause. */
export const systemMutants = (parts: RigParts): readonly Mutant<SystemRig>[] => [
  mutant('S-51', 'a heap that never grows', parts, (tasks) => ({
    heapEnd: (task) => tasks.heapEnd(task, 0 as Parameters<TaskSystem['heapEnd']>[1]),
  })),
  mutant(
    'S-44',
    'event counters that start at nothing',
    parts,
    (tasks) => ({ eventCounter: (task, _initial, flags) => tasks.eventCounter(task, 0, flags) }),
    'S-42',
    'S-43',
  ),
  mutant(
    'S-34',
    'directories without their first entry',
    parts,
    (tasks) => ({
      readdir: (task, fd, sink) => {
        let count = 0;
        return tasks.readdir(task, fd, { entry: (...entry) => (count++ === 0 ? true : sink.entry(...entry)) });
      },
    }),
    'S-35',
    'S-30',
    'S-36',
  ),
  mutant('S-32', 'descriptors that are not the lowest free ones', parts, (tasks) => ({
    duplicate: (task, fd, least, closeOnExec) => tasks.duplicate(task, fd, least + 1, closeOnExec),
  })),
  mutant('S-52', 'a futex that wakes nobody', parts, () => ({ futexWake: () => 0 }), 'S-53', 'S-16', 'S-2', 'S-12', 'S-23'),
  mutant('S-13', 'scripts that are not executable', parts, (tasks) => ({
    execve: (task, dir, path, argv, env, flags) =>
      new TextDecoder().decode(path).startsWith('./') ? -Errno.ENOEXEC : tasks.execve(task, dir, path, argv, env, flags),
  })),
  mutant('S-62', 'random bytes that are not there', parts, () => ({ random: () => 0 })),
  mutant('S-43', 'edges that are levels', parts, (tasks) => ({
    epollControl: (task, epoll, operation, fd, events, low, high) =>
      tasks.epollControl(task, epoll, operation, fd, events & 0x7fff_ffff, low, high),
  })),
];

/** Broken kernels that lack processes, each on one clause. */
export const smallSystemMutants = (parts: RigParts): readonly Mutant<SystemRig>[] => [
  mutant('S-5', 'a stub that leaves a program alone with ENOSYS for a fork', parts, () => ({ clone: () => -Errno.ENOSYS })),
];
