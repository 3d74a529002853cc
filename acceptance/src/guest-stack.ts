import { GUEST_FOLDER, guestPrograms } from '@ashlar/guests';
import { type Stack, type StackDefinition, type StartOptions, start } from 'ashlar';

export interface GuestStackOptions {
  readonly hardware?: 'host' | { readonly use: 'sim'; readonly [key: string]: unknown };
  readonly hypervisors: readonly string[];
  readonly kernel?: string;
  readonly image?: string;
}

/** A stack whose root holds the guest programs and, if given, an image. */
export function guestStack(options: GuestStackOptions, how: Partial<StartOptions> = {}): Promise<Stack> {
  const definition: StackDefinition = {
    ashlar: 1,
    memory: '512MiB',
    hardware: options.hardware ?? 'host',
    hypervisors: [...options.hypervisors],
    kernel: options.kernel ?? 'posix',
    userspace: {
      volumes: [{ host: guestPrograms, guest: GUEST_FOLDER, readOnly: true }],
      ...(options.image === undefined ? {} : { image: options.image }),
    },
  };
  return start(definition, how);
}
