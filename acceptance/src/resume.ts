import { readFileSync } from 'node:fs';
import { SessionClient } from '@ashlar/session';
import { type GuestStackOptions, guestStack } from './guest-stack.ts';

/** One saved stack to go on with. */
export interface Resumption {
  /** File of the machine image. */
  readonly image: string;
  /** Process whose output is wanted. */
  readonly pid: number;
}

/** What that process had left to say. */
export interface Resumed {
  readonly rest: string;
  readonly status: number;
}

async function resume({ image, pid }: Resumption, options: GuestStackOptions): Promise<Resumed> {
  const stack = await guestStack(options, { from: readFileSync(image) });
  try {
    const session = stack.session();
    if (!(session instanceof SessionClient)) throw new Error('the session cannot attach');
    const program = await session.attach(pid);
    const chunks: Uint8Array[] = [];
    for await (const chunk of program.stdout) chunks.push(chunk);
    const exit = await program.exit;
    return { rest: Buffer.concat(chunks).toString(), status: 'code' in exit ? exit.code : 128 + exit.signal };
  } finally {
    await stack.stop();
  }
}

// resume.js OPTIONS RESUMPTIONS: goes on with saved stacks in this process, one after the other, and prints as JSON what they had left to say.
const [options = '{}', resumptions = '[]'] = process.argv.slice(2);
const results: Resumed[] = [];
for (const each of JSON.parse(resumptions) as Resumption[]) results.push(await resume(each, JSON.parse(options) as GuestStackOptions));
process.stdout.write(JSON.stringify(results));
