import { StackError } from './stack-error.ts';

/** All bytes of a stream; an error past `bytesMax`. */
export async function collect(stream: ReadableStream<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > bytesMax)
      throw new StackError(`the program wrote more than ${bytesMax} bytes`, 'raise outputBytesMax, or use spawn and read its streams');
    chunks.push(value);
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
export async function feed(stream: WritableStream<Uint8Array>, input: string | Uint8Array): Promise<void> {
  const writer = stream.getWriter();
  try {
    if (input.length > 0) await writer.write(typeof input === 'string' ? new TextEncoder().encode(input) : input);
    await writer.close();
  } catch {
    // The program ended, or closed its stdin, before it read everything.
  }
}
