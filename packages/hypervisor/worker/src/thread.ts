import { parentPort, workerData } from 'node:worker_threads';
import { oneLine } from '@ashlar/domains';
import { Errno } from '@ashlar/hardware';
import { DomainThread, type ThreadPort } from './domain-thread.ts';
import type { Command, Notice, ThreadStart } from './protocol.ts';

/** Entry of a domain's thread in Node.js. */
const port = parentPort;
if (port === null) throw new Error('this module is the entry of a domain thread; import @ashlar/hypervisor-worker instead');

const threadPort: ThreadPort = {
  post: (notice: Notice) =>
    port.postMessage(notice, notice.tell === 'answer' && notice.value instanceof Uint8Array ? [notice.value.buffer as ArrayBuffer] : []),
  onCommand: (take) => void port.on('message', (command: Command) => take(command)),
};

DomainThread.open(threadPort, workerData as ThreadStart).catch((error: unknown) => {
  const errno = (error as { errno?: unknown }).errno;
  threadPort.post({ tell: 'refused', message: oneLine(error), errno: typeof errno === 'number' ? errno : Errno.EIO });
});
