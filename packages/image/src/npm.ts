import { dirname, join } from 'node:path';
import { FileType } from '@ashlar/hardware';
import type { Client, FetchOptions, Manifest } from 'pacote';
import type { CachedImage, ImageCache } from './cache.ts';
import { ArchiveFault, CacheFault, ImageError, messageOf } from './error.ts';
import type { ImageLimits } from './limits.ts';
import type { ImageProgress } from './progress.ts';
import type { ImageSpec } from './spec.ts';
import type { TarDialect } from './tar.ts';

type NpmSpec = Extract<ImageSpec, { readonly kind: 'npm' }>;

export interface NpmRequest {
  readonly cache: ImageCache;
  readonly limits: ImageLimits;
  readonly offline: boolean;
  /** The folder from which a project's `.npmrc` is looked for. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: ((event: ImageProgress) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * A package of an npm registry as an image: its files under `/package`. An exact version that is cached needs no network and loads none of npm's code.
 * Fetching is npm's own (pacote): its configuration files, registries, proxies, certificates, credentials, retries and hash checks. What a manifest says
 * about `cpu` and `os` is for installers and plays no part; no script of a package is run.
 */
export async function resolveNpm(spec: NpmSpec, request: NpmRequest): Promise<CachedImage> {
  const asked = keyOf(spec.name, spec.wanted);
  if (spec.exact || request.offline) {
    const cached = await request.cache.find(asked);
    if (cached !== undefined) return cached;
  }
  if (request.offline) {
    throw new ImageError('OFFLINE', spec.text, 'it is not in the cache, and fetching is off', 'run it once without --offline');
  }
  try {
    return await fetchPackage(spec, request);
  } catch (error) {
    throw explain(error, spec, request.signal);
  }
}

function keyOf(name: string, version: string): string {
  return `npm:${name}@${version}`;
}

async function fetchPackage(spec: NpmSpec, request: NpmRequest): Promise<CachedImage> {
  request.progress?.({ spec: spec.text, phase: 'resolve', doneBytes: 0, totalBytes: undefined });
  const [{ default: pacote }, { default: npa }, config] = await Promise.all([
    import('pacote'),
    import('npm-package-arg'),
    loadNpmConfig(request.cwd, request.env),
  ]);
  const { type } = npa.resolve(spec.name, spec.wanted);
  if (type !== 'version' && type !== 'range' && type !== 'tag') {
    throw new ImageError('SPEC', spec.text, `“${spec.wanted}” is not a version, a range or a tag of a registry`);
  }
  const options: FetchOptions = {
    ...config,
    // The same answer serves for the manifest and for the tarball.
    packumentCache: new Map<string, unknown>(),
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  };
  const manifest = await pacote.manifest(`${spec.name}@${spec.wanted}`, options);
  const key = keyOf(spec.name, manifest.version);
  const image = (await request.cache.find(key)) ?? (await fetchTarball(pacote, manifest, key, options, spec, request));
  if (!spec.exact) await request.cache.alias(keyOf(spec.name, spec.wanted), key);
  return image;
}

async function fetchTarball(
  pacote: Client,
  manifest: Manifest,
  key: string,
  options: FetchOptions,
  spec: NpmSpec,
  request: NpmRequest,
): Promise<CachedImage> {
  const { _integrity: integrity, _resolved: resolved } = manifest;
  if (integrity === undefined || resolved === undefined) {
    throw new ImageError('INTEGRITY', spec.text, 'the registry gives no hash of it', 'without one what arrives cannot be checked');
  }
  const { readTar } = await import('./tar.ts');
  const dialect = npmDialect(manifest);
  const totalBytes = manifest.dist?.unpackedSize;
  return pacote.tarball.stream(
    `${spec.name}@${manifest.version}`,
    (stream) => {
      // It may fail while nobody reads it; whoever reads next is told again.
      stream.on('error', () => undefined);
      return request.cache.store([key], { resolved: key, integrity }, request.limits, async (sink) => {
        const report = () => request.progress?.({ spec: spec.text, phase: 'unpack', doneBytes: sink.data.bytes, totalBytes });
        await readTar(watched(stream, report, request.signal), dialect, request.limits, sink);
        report();
      });
    },
    { ...options, integrity, resolved },
  );
}

async function* watched(
  stream: AsyncIterable<Uint8Array>,
  report: () => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    signal?.throwIfAborted();
    yield chunk;
    report();
  }
}

/**
 * Entries as `npm install` would place them: the archive's own top folder, whatever its name, becomes `package`; links are left out; files are
 * readable, and those named by `bin` executable. Set-user-id bits mean nothing in a package.
 */
export function npmDialect(manifest: Pick<Manifest, 'bin'>): TarDialect {
  const programs = new Set(Object.values(manifest.bin ?? {}).map((path) => `package/${path.replace(/^(?:\.?\/)+/, '')}`));
  return {
    path: (entry) => {
      const names = Buffer.from(entry).toString('latin1').split('/');
      const rest = names.filter((name) => name !== '' && name !== '.').slice(1);
      return Buffer.from(['package', ...rest].join('/'), 'latin1');
    },
    permissions: (path, type, permissions) => {
      if (type === FileType.DIRECTORY) return 0o755;
      const isProgram = programs.has(Buffer.from(path).toString('utf8'));
      return ((permissions & 0o111) === 0 && !isProgram ? 0 : 0o111) | 0o644;
    },
    onlyFiles: true,
    needsEndMark: false,
  };
}

/** npm's configuration as npm itself would have it in this folder, as options of its libraries. */
async function loadNpmConfig(cwd: string, env: Readonly<Record<string, string | undefined>>): Promise<Readonly<Record<string, unknown>>> {
  const [{ default: Config }, { default: all }] = await Promise.all([
    import('@npmcli/config'),
    import('@npmcli/config/lib/definitions/index.js'),
  ]);
  const config = new Config({
    definitions: all.definitions,
    shorthands: all.shorthands,
    flatten: all.flatten,
    nerfDarts: all.nerfDarts,
    // Where an npm beside this Node.js would have its built-in npmrc.
    npmPath: join(dirname(dirname(process.execPath)), 'lib', 'node_modules', 'npm'),
    argv: [process.execPath, 'ashlar'],
    // Loading writes into it.
    env: { ...env },
    cwd,
    warn: false,
  });
  await config.load();
  return config.flat;
}

interface NpmFailure {
  readonly code?: string;
  readonly versions?: readonly string[];
  readonly distTags?: Readonly<Record<string, string>>;
}

const UNREACHABLE =
  /^(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ECONNABORTED|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|FETCH_ERROR)$/;

/** A failure of npm's libraries in the words of whoever wrote the specification. */
function explain(error: unknown, spec: NpmSpec, signal: AbortSignal | undefined): unknown {
  if (error instanceof ImageError || error instanceof CacheFault) return error;
  const cause = { cause: error };
  if (signal?.aborted === true) return new ImageError('ABORTED', spec.text, 'stopped', '', cause);
  if (error instanceof ArchiveFault) return new ImageError(error.code, spec.text, error.message, error.fix, cause);
  const { code = '', versions = [], distTags = {} } = error as NpmFailure;
  if (code === 'ETARGET') {
    if (versions.length === 0) return new ImageError('NOT_FOUND', spec.text, 'the package has no versions', '', cause);
    const newest = distTags.latest ?? versions.at(-1);
    return new ImageError('NOT_FOUND', spec.text, 'no such version', `newest is ${newest}`, cause);
  }
  if (code === 'E404')
    return new ImageError('NOT_FOUND', spec.text, 'the registry has no such package', `check the name “${spec.name}”`, cause);
  if (code === 'EINTEGRITY') {
    return new ImageError(
      'INTEGRITY',
      spec.text,
      'what arrived does not have the hash that the registry gives for it',
      'try again; if it persists, a proxy may change it',
      cause,
    );
  }
  if (code === 'E401' || code === 'E403' || code === 'ENEEDAUTH') {
    return new ImageError(
      'NETWORK',
      spec.text,
      `the registry refuses (${code})`,
      'log in with “npm login”, or set its token in .npmrc',
      cause,
    );
  }
  if (code === 'ENOTCACHED') {
    return new ImageError(
      'OFFLINE',
      spec.text,
      'it is not in the cache, and npm is configured to be offline',
      'unset “offline” in .npmrc',
      cause,
    );
  }
  if (UNREACHABLE.test(code)) {
    return new ImageError(
      'NETWORK',
      spec.text,
      `the registry cannot be reached (${messageOf(error)})`,
      'check the network and “npm config get registry”',
      cause,
    );
  }
  // Without a code it is a mistake in a program, not a state of the world: let its stack be seen.
  return code === '' ? error : new ImageError('NETWORK', spec.text, `npm could not fetch it (${messageOf(error)})`, '', cause);
}
