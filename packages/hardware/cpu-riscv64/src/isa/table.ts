import { ATOMIC } from './atomic.ts';
import { BASE } from './base.ts';
import { BITMANIP } from './bitmanip.ts';
import { FLOAT } from './float.ts';
import type { Instruction } from './instruction.ts';
import { MULTIPLY } from './multiply.ts';

/** Every instruction this CPU has, each once. An encoding matches at most one row; a test holds that. */
export const INSTRUCTIONS: readonly Instruction[] = [...BASE, ...MULTIPLY, ...ATOMIC, ...FLOAT, ...BITMANIP];
