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

type Both<Groups> = Groups extends readonly [infer First, ...infer Others] ? First & Both<Others> : object;

/** One object with the methods of all groups, each bound to its group. */
function merge<const Groups extends readonly object[]>(...groups: Groups): Both<Groups> {
  const merged: Record<string, unknown> = {};
  for (const group of groups) {
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(group))) {
      const member = (group as Record<string, unknown>)[name];
      if (name !== 'constructor' && typeof member === 'function') merged[name] = member.bind(group);
    }
  }
  return merged as Both<Groups>;
}

/** The guest face, put together from its groups: one file each under calls/. */
export function composeTaskSystem(core: Core): TaskSystem {
  const merged: TaskSystem = merge(
    new ProcessCalls(core),
    new SignalCalls(core),
    new FileCalls(core),
    new FileTreeCalls(core),
    new DescriptorCalls(core),
    new PollCalls(core),
    new MemoryCalls(core),
    new TimeCalls(core),
    new TerminalCalls(core),
    new SocketCalls(core),
    new SystemCalls(core),
  );
  // As a prototype: engines keep the properties of a large object in a hash table, those of a prototype where calls can be inlined.
  return Object.create(merged) as TaskSystem;
}
