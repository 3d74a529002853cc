/** What `posix` can be told in a stack's config. */
export interface PosixConfig {
  /** Directories of the root that live in memory and begin empty, e.g. `/tmp`, `/run`. Default: none; the image's own are seen. */
  readonly tmpfs: readonly string[];
  /** Most memory for pages of files, in pages; default a sixteenth of the domain's, at most 16,384. */
  readonly cachePages: number | undefined;
}

const KNOWN = ['tmpfs', 'cachePages'];
const TAKEN = ['/dev', '/proc'];
/** Most further mounts. */
const TMPFS_MAX = 16;

/** Checks and completes the config: an error names the field, its value and what is possible. */
export const posixConfig = {
  parse(value: unknown): PosixConfig {
    if (value !== undefined && value !== null && (typeof value !== 'object' || Array.isArray(value))) {
      throw new TypeError(`posix: expected a mapping with ${KNOWN.join(', ')}, got ${JSON.stringify(value)}`);
    }
    const given = (value ?? {}) as Record<string, unknown>;
    for (const key of Object.keys(given)) {
      if (!KNOWN.includes(key)) throw new TypeError(`posix.${key}: unknown; there are ${KNOWN.join(', ')}`);
    }
    return { tmpfs: parseTmpfs(given.tmpfs), cachePages: parsePages(given.cachePages) };
  },
};

function parseTmpfs(value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > TMPFS_MAX)
    throw new TypeError(`posix.tmpfs: expected at most ${TMPFS_MAX} paths, got ${JSON.stringify(value)}`);
  return value.map((path: unknown, index) => {
    if (typeof path !== 'string' || !/^\/[^/]+$/.test(path) || path === '/.' || path === '/..' || TAKEN.includes(path)) {
      throw new TypeError(
        `posix.tmpfs[${index}]: expected a directory of the root such as /tmp (not ${TAKEN.join(', ')}), got ${JSON.stringify(path)}`,
      );
    }
    return path;
  });
}

function parsePages(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
    throw new TypeError(`posix.cachePages: expected a whole number of pages ≥ 0, got ${JSON.stringify(value)}`);
  }
  return value;
}
