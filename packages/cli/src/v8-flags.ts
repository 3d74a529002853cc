import { setFlagsFromString } from 'node:v8';

/**
 * What V8 counts of a function's bytecode before it optimises it; usually a third of that. Most of the JavaScript around a guest is over before its
 * optimised form has paid for itself, which takes the optimiser a tenth of the CPU time of a run of one second. Of V8 11; nothing is changed in others.
 */
export const V8_FLAGS = process.versions.v8.startsWith('11.') ? '--interrupt-budget=400000' : '';

/** Parts of Node.js that nearly every run loads. */
const NODE_PARTS = ['net', 'perf_hooks', 'stream', 'url', 'v8', 'vm', 'zlib'];

/**
 * Sets {@link V8_FLAGS}, for good: V8 takes no compiled code that was made under other flags. Node.js's own was; so what is needed of it is loaded before.
 *
 * @param require loads a part of Node.js
 */
export function setV8Flags(require: (part: string) => unknown): void {
  if (V8_FLAGS === '') return;
  for (const part of NODE_PARTS) require(`node:${part}`);
  setFlagsFromString(V8_FLAGS);
}
