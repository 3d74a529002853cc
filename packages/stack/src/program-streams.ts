import type { GuestProcess, ProgramOutput } from '@ashlar/userspace';
import { StackError } from './stack-error.ts';

/** All bytes of an output; an error past `bytesMax`. */
export async function collect(output: ProgramOutput, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let piece = await output.next(); piece !== undefined; piece = await output.next()) {
    length += piece.length;
    if (length > bytesMax)
      throw new StackError(`the program wrote more than ${bytesMax} bytes`, 'raise outputBytesMax, or use spawn and read its streams');
    chunks.push(piece);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Writes all of `input` and closes. A program that does not read it is not an error. */
export async function feed(program: GuestProcess, input: string | Uint8Array): Promise<void> {
  if (input.length === 0) {
    program.endInput();
    return;
  }
  const writer = program.stdin.getWriter();
  try {
    await writer.write(typeof input === 'string' ? new TextEncoder().encode(input) : input);
    await writer.close();
  } catch {
    // The program ended, or closed its stdin, before it read everything.
  }
}
