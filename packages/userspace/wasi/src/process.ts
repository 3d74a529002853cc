import { Errno, type Plain, type Reply } from '@ashlar/hardware';
import { type Call, GONE, type WasiFunction } from './call.ts';
import { linuxSignal } from './layout.ts';

/** What a program was started with; kept in its context's note. */
export interface StartNote {
  readonly argv: readonly Uint8Array[];
  readonly env: readonly Uint8Array[];
}

export const startNote = (note: StartNote): Plain => ({ argv: note.argv, env: note.env });

/** Most bytes of one random_get. */
const RANDOM_BYTES_MAX = 1 << 20;
const RANDOM_CHUNK = 65536;
const PWD = new TextEncoder().encode('PWD=');

const started = (call: Call): StartNote => call.context.note as unknown as StartNote;

/** Writes the strings one behind the other, each with a NUL, and their addresses. */
function putStrings(call: Call, strings: readonly Uint8Array[]): Reply {
  let pointer = call.u32(0);
  let at = call.u32(1);
  for (const string of strings) {
    const replies = [call.store32(pointer, at), call.put(at, string), call.put(at + string.length, ZERO)];
    for (const reply of replies) if (reply !== 0) return reply;
    pointer += 4;
    at += string.length + 1;
  }
  return 0;
}

const ZERO = new Uint8Array(1);

function putSizes(call: Call, strings: readonly Uint8Array[]): Reply {
  const bytes = strings.reduce((sum, string) => sum + string.length + 1, 0);
  const reply = call.store32(call.u32(0), strings.length);
  return reply === 0 ? call.store32(call.u32(1), bytes) : reply;
}

const startsWith = (string: Uint8Array, prefix: Uint8Array): boolean => prefix.every((byte, at) => string[at] === byte);

/** The environment, with PWD: without chdir(2) that is how programs learn the current directory (Go's runtime does). */
function environment(call: Call): readonly Uint8Array[] | Reply {
  const { env } = started(call);
  if (env.some((each) => startsWith(each, PWD))) return env;
  const length = call.system.currentDirectory(call.task);
  if (typeof length !== 'number') return length;
  if (length < 0) return env;
  const pwd = new Uint8Array(PWD.length + length);
  pwd.set(PWD);
  pwd.set(call.task.bytes.subarray(0, length), PWD.length);
  return [...env, pwd];
}

const isList = (value: readonly Uint8Array[] | Reply): value is readonly Uint8Array[] => Array.isArray(value);

export const args_sizes_get: WasiFunction = (call) => putSizes(call, started(call).argv);

export const args_get: WasiFunction = (call) => putStrings(call, started(call).argv);

export const environ_sizes_get: WasiFunction = (call) => {
  const env = environment(call);
  return isList(env) ? putSizes(call, env) : env;
};

export const environ_get: WasiFunction = (call) => {
  const env = environment(call);
  return isList(env) ? putStrings(call, env) : env;
};

export const proc_exit: WasiFunction = (call) => {
  call.system.exitGroup(call.task, call.u32(0) & 0xff);
  return GONE;
};

export const proc_raise: WasiFunction = (call) => {
  const signal = linuxSignal(call.u32(0));
  return signal < 0 ? -Errno.EINVAL : call.system.kill(call.task, call.task.group, signal);
};

export const sched_yield: WasiFunction = (call) => call.system.yield(call.task);

export const random_get: WasiFunction = (call) => {
  const at = call.u32(0);
  const bytes = call.u32(1);
  if (bytes > RANDOM_BYTES_MAX) return -Errno.EINVAL;
  if (!call.canWrite(at, bytes)) return -Errno.EFAULT;
  for (let done = 0; done < bytes; ) {
    const filled = call.system.random(call.task, call.buffer(at + done, Math.min(bytes - done, RANDOM_CHUNK)));
    if (typeof filled !== 'number' || filled < 0) return filled;
    if (filled === 0) return -Errno.EIO;
    done += filled;
  }
  return 0;
};
