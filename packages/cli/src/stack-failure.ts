import { type Stack, StackError } from '@ashlar/stack';

/** Host milliseconds that a stack may take to give everything back before the process ends without it. */
export const STOP_MS_MAX = 5000;
/** Host milliseconds between a session that breaks and the news of why, at the most: the machine may be busy. */
const FAILURE_MS_MAX = 20_000;

/** What `work` gives, or undefined after so many host milliseconds. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | number | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What `work` with a program of that domain gives. Rejects when the stack cannot go on: the program may then never say that it ended. */
export function orFailure<T>(work: Promise<T>, stack: Stack, domain: string): Promise<T> {
  const failed = failure(stack, domain);
  failed.catch(() => undefined);
  const told = work.catch(async (error: unknown): Promise<T> => {
    // The session broke: why, whoever watches the domains knows.
    if ((error as { code?: unknown }).code === 'ECONNRESET') await within(FAILURE_MS_MAX, failed);
    throw error;
  });
  return Promise.race([told, failed]);
}

async function failure(stack: Stack, domain: string): Promise<never> {
  const crash = stack.stopped(domain).then(({ route, reason, message }) => {
    const why = message === '' ? reason : `${reason}: ${message}`;
    return new Error(`domain '${route.join('/')}' ${why}`);
  });
  const error = await Promise.race([stack.failed, crash]);
  throw new StackError(`the stack ended: ${error.message}`, 'run again with --debug to see where', { cause: error });
}
