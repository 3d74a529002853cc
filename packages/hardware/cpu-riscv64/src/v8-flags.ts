/** What Node.js has and the common library types do not know. */
interface HostGlobals {
  readonly process?: {
    readonly versions?: { readonly v8?: string };
    getBuiltinModule?(name: string): { setFlagsFromString?(flags: string): void } | undefined;
  };
}

const { process } = globalThis as HostGlobals;

/** V8's major version in Node.js; undefined elsewhere. */
export const v8Version: string | undefined = process?.versions?.v8?.split('.')[0];

/**
 * Runs `make` with a flag of V8 set, where there is a way to set one: in Node.js. It is set back, since V8 refuses cached bytecode that was made under
 * other flags.
 */
export function withV8Flag<T>(flag: string, before: string, make: () => T): T {
  const v8 = process?.getBuiltinModule?.('node:v8');
  v8?.setFlagsFromString?.(flag);
  try {
    return make();
  } finally {
    v8?.setFlagsFromString?.(before);
  }
}
