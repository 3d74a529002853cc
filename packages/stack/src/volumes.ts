import { resolve } from 'node:path';
import type { VolumeSpec } from '@ashlar/hardware';
import { Folder } from '@ashlar/image';
import type { VolumePlan } from './devices.ts';
import { StackError } from './stack-error.ts';

/**
 * Opens the volumes of a share; the device that gets them closes them. What may be reached is {@link Folder}'s affair: nothing leads out of it, not by `..`,
 * an absolute path, a symbolic link (the guest's or the host's) or a directory that is swapped for a link meanwhile.
 *
 * @throws StackError for the first that cannot be opened; those before it are closed again
 */
export function openVolumes(plans: readonly VolumePlan[], folder: string): readonly VolumeSpec[] {
  const opened: VolumeSpec[] = [];
  for (const { host, guest, readOnly } of plans) {
    try {
      opened.push({ guest, backend: new Folder(resolve(folder, host), { readOnly }) });
    } catch (error) {
      for (const { backend } of opened) backend.close();
      const [why, hint] = explain(error);
      throw new StackError(`volume ${host}:${guest}: ${why}`, hint, { cause: error });
    }
  }
  return opened;
}

function explain(error: unknown): readonly [why: string, hint: string] {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return ['there is no such folder or file on the host', 'make it first, or correct the path'];
  if (code === 'EACCES' || code === 'EPERM') return ['it may not be read by this user', 'change its permissions'];
  if (code === 'EINVAL') return ['it is neither a folder nor a regular file', ''];
  return [error instanceof Error ? error.message : String(error), ''];
}
