import { randomFillSync } from 'node:crypto';
import { existsSync, openSync, readSync } from 'node:fs';

/** Gives the kernel's own random bytes, where there is one that does: urandom(4). */
const DEVICE = '/dev/urandom';

let device: number | undefined;

function readDevice(to: Uint8Array): void {
  device ??= openSync(DEVICE, 'r');
  for (let done = 0; done < to.length; ) done += readSync(device, to, done, to.length - done, null);
}

/** Fills `to` with random bytes of the host: from its device if there is one, since loading Node.js's crypto takes longer than to start a small program. */
export const fillRandom: (to: Uint8Array) => void = existsSync(DEVICE) ? readDevice : (to) => void randomFillSync(to);
