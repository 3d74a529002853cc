import type { TaskSystem } from '@ashlar/kernel-stub';
import { DescriptorCalls } from './calls/descriptor.ts';
import { FileCalls } from './calls/file.ts';
import { FileTreeCalls } from './calls/file-tree.ts';
import { MemoryCalls } from './calls/memory.ts';
import { PollCalls } from './calls/poll.ts';
import { ProcessCalls } from './calls/process.ts';
import { SignalCalls } from './calls/signal.ts';
import { SocketCalls } from './calls/socket.ts';
import { SystemCalls } from './calls/system.ts';
import { TerminalCalls } from './calls/terminal.ts';
import { TimeCalls } from './calls/time.ts';
import type { Core } from './core.ts';

/** One object with the methods of all groups, each bound to its group. */
function merge<A extends object, B extends object>(a: A, b: B): A & B {
  const merged: Record<string, unknown> = {};
  for (const group of [a, b]) {
    const names = new Set([...Object.keys(group), ...Object.getOwnPropertyNames(Object.getPrototypeOf(group))]);
    for (const name of names) {
      const member = (group as Record<string, unknown>)[name];
      if (name !== 'constructor' && typeof member === 'function') merged[name] = Object.hasOwn(group, name) ? member : member.bind(group);
    }
  }
  return merged as A & B;
}

/** The guest face, put together from its groups: one file each under calls/. */
export function composeTaskSystem(core: Core): TaskSystem {
  const processes = merge(new ProcessCalls(core), new SignalCalls(core));
  const files = merge(new FileCalls(core), new FileTreeCalls(core));
  const descriptors = merge(new DescriptorCalls(core), new PollCalls(core));
  const memory = merge(new MemoryCalls(core), new TimeCalls(core));
  const others = merge(merge(new TerminalCalls(core), new SocketCalls(core)), new SystemCalls(core));
  return merge(merge(merge(processes, files), merge(descriptors, memory)), others);
}
