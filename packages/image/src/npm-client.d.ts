// The parts of npm's own libraries that are used here; they come without types, or with those of old versions.

declare module 'pacote' {
  namespace pacote {
    interface Manifest {
      readonly name: string;
      readonly version: string;
      /** Program paths by name, after normalisation. */
      readonly bin?: Readonly<Record<string, string>>;
      readonly dist?: { readonly unpackedSize?: number };
      readonly _resolved?: string;
      readonly _integrity?: string;
    }
    interface FetchOptions extends Readonly<Record<string, unknown>> {
      readonly integrity?: string;
      readonly resolved?: string;
      readonly signal?: AbortSignal;
    }
    /** A minipass stream. */
    interface TarballStream extends AsyncIterable<Uint8Array> {
      on(event: 'error', listener: (error: unknown) => void): this;
    }
    interface Client {
      manifest(spec: string, options: FetchOptions): Promise<Manifest>;
      readonly tarball: {
        /** Calls `handler` again with a new stream if the data was damaged. The stream fails at its end if the hash is wrong. */
        stream<T>(spec: string, handler: (stream: TarballStream) => Promise<T>, options: FetchOptions): Promise<T>;
      };
    }
  }
  const pacote: pacote.Client;
  export = pacote;
}

declare module '@npmcli/config' {
  interface ConfigOptions {
    readonly definitions: unknown;
    readonly shorthands: unknown;
    readonly flatten: unknown;
    readonly nerfDarts: unknown;
    readonly npmPath: string;
    readonly argv: readonly string[];
    readonly env: Record<string, string | undefined>;
    readonly cwd: string;
    readonly warn: boolean;
  }
  class Config {
    constructor(options: ConfigOptions);
    load(): Promise<void>;
    /** Options as npm's libraries take them. */
    readonly flat: Readonly<Record<string, unknown>>;
  }
  export = Config;
}

declare module '@npmcli/config/lib/definitions/index.js' {
  const all: { readonly definitions: unknown; readonly shorthands: unknown; readonly flatten: unknown; readonly nerfDarts: unknown };
  export = all;
}
