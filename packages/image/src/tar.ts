import { FileType } from '@ashlar/hardware';
import { extract, type Header } from 'tar-stream';
import type { DataWriter } from './data-file.ts';
import { decompress } from './decompress.ts';
import { ArchiveFault, messageOf } from './error.ts';
import type { ImageLimits } from './limits.ts';
import { type EntryAttributes, show, type TreeBuilder } from './tree-builder.ts';

/** How the entries of one kind of archive become nodes. */
export interface TarDialect {
  /** The path in the tree, or undefined to leave the entry out. */
  path(entry: Uint8Array): Uint8Array | undefined;
  /** Permission bits from those in the archive. */
  permissions(path: Uint8Array, type: number, permissions: number): number;
  /** Whether links and device nodes are taken or left out. */
  readonly onlyFiles: boolean;
  /** Whether an archive that stops without its end mark is refused. */
  readonly needsEndMark: boolean;
}

/** An archive of a file tree, taken as it is. */
export const PLAIN_TAR: TarDialect = {
  path: (entry) => entry,
  permissions: (_path, _type, permissions) => permissions,
  onlyFiles: false,
  needsEndMark: true,
};

export interface TarSink {
  readonly data: DataWriter;
  readonly tree: TreeBuilder;
}

/** What tar-stream's own type leaves open: its parser gives null for a type that it does not know, and pax records as strings. */
type TarHeader = Omit<Header, 'type' | 'pax'> & {
  readonly type: Header['type'] | null;
  readonly pax: Readonly<Record<string, string>> | null;
};

/** `filenameEncoding` is documented by tar-stream and missing from its types. */
const EXTRACT_OPTIONS: Parameters<typeof extract>[0] & { readonly filenameEncoding: string } = { filenameEncoding: 'latin1' };
const BLOCK_BYTES = 512;
/** In place of a file type: a further name of another entry. */
const HARD_LINK = 0;
/** Linux's overflow id, for owners that do not fit 32 bits. */
const NOBODY = 65_534;

/**
 * Reads a tar archive (ustar, pax, GNU; gzipped or not) into a tree and its data file. Nothing is written under names from the archive.
 * @throws ArchiveFault
 */
export async function readTar(source: AsyncIterable<Uint8Array>, dialect: TarDialect, limits: ImageLimits, sink: TarSink): Promise<void> {
  // Names are bytes: latin-1 keeps each byte. Names in pax headers are UTF-8 by definition and come decoded.
  const parser = extract(EXTRACT_OPTIONS);
  const tail = new TailWatch();
  let failure: unknown;
  parser.on('error', (error) => {
    failure ??= error;
  });
  parser.on('entry', (header, content, next) => {
    readEntry(header as TarHeader, content as AsyncIterable<Uint8Array>, dialect, limits, sink).then(
      () => next(null),
      (error: unknown) => {
        failure ??= error;
        parser.destroy(null);
      },
    );
  });
  const closed = new Promise<void>((resolve) => {
    parser.once('close', resolve);
  });
  try {
    for await (const chunk of decompress(source, limits)) {
      if (failure !== undefined) break;
      tail.push(chunk);
      if (!parser.write(chunk)) await drained(parser, closed);
    }
    if (failure === undefined) {
      parser.end(null);
      await closed;
    }
  } finally {
    parser.destroy(null);
  }
  if (failure !== undefined) throw asFault(failure);
  if (dialect.needsEndMark && !tail.isZero()) {
    throw new ArchiveFault('ARCHIVE', 'the archive is truncated: its end mark is missing', 'fetch or pack it again');
  }
}

function drained(parser: ReturnType<typeof extract>, closed: Promise<void>): Promise<void> {
  return Promise.race([
    closed,
    new Promise<void>((resolve) => {
      parser.once('drain', resolve);
    }),
  ]);
}

function asFault(failure: unknown): unknown {
  if (failure instanceof ArchiveFault || !(failure instanceof Error)) return failure;
  const text = messageOf(failure);
  if (text.includes('Unexpected end')) return new ArchiveFault('ARCHIVE', 'the archive is truncated', 'fetch or pack it again');
  if (text.includes('max size')) return new ArchiveFault('LIMIT', 'a pax or GNU header has more than 4 MiB');
  if (text.startsWith('Invalid')) return new ArchiveFault('ARCHIVE', 'it is not a tar archive, or a damaged one');
  return failure;
}

async function readEntry(
  header: TarHeader,
  content: AsyncIterable<Uint8Array>,
  dialect: TarDialect,
  limits: ImageLimits,
  sink: TarSink,
): Promise<void> {
  const name = nameBytes(header, 'path', header.name);
  const size = header.size;
  if (size > limits.fileBytes) throw new ArchiveFault('LIMIT', `${show(name)} has ${size} bytes, more than ${limits.fileBytes}`);
  const type = typeOf(header, name);
  const path = dialect.path(name);
  const isFile = type === FileType.REGULAR;
  if (path === undefined || (dialect.onlyFiles && !isFile && type !== FileType.DIRECTORY)) return skip(content);
  const attributes = attributesOf(header, dialect.permissions(path, type, header.mode & 0o7777));
  if (!isFile) {
    addSpecial(header, type, path, attributes, sink.tree, name);
    return skip(content);
  }
  const offset = sink.data.bytes;
  if (offset + size > limits.totalBytes) throw new ArchiveFault('LIMIT', `files of more than ${limits.totalBytes} bytes altogether`);
  sink.tree.file(path, attributes, size, offset);
  for await (const chunk of content) await sink.data.append(chunk);
  if (sink.data.bytes - offset !== size) throw new ArchiveFault('ARCHIVE', `${show(name)} is truncated`, 'fetch or pack it again');
}

async function skip(content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of content);
}

/** FileType bits, or {@link HARD_LINK}. */
function typeOf(header: TarHeader, name: Uint8Array): number {
  if (Object.keys(header.pax ?? {}).some((key) => key.startsWith('GNU.sparse.'))) throw sparse(name);
  switch (header.type) {
    case 'file':
    case 'contiguous-file':
      return FileType.REGULAR;
    case 'directory':
      return FileType.DIRECTORY;
    case 'symlink':
      return FileType.SYMLINK;
    case 'link':
      return HARD_LINK;
    case 'fifo':
      return FileType.FIFO;
    case 'character-device':
      return FileType.CHARACTER;
    case 'block-device':
      return FileType.BLOCK;
    default:
      throw sparse(name);
  }
}

function sparse(name: Uint8Array): ArchiveFault {
  return new ArchiveFault(
    'ARCHIVE',
    `${show(name)} is of a kind that is not read here (sparse file, or a vendor's own)`,
    'pack it again without --sparse',
  );
}

function addSpecial(
  header: TarHeader,
  type: number,
  path: Uint8Array,
  attributes: EntryAttributes,
  tree: TreeBuilder,
  name: Uint8Array,
): void {
  const target = nameBytes(header, 'linkpath', header.linkname ?? '');
  switch (type) {
    case FileType.DIRECTORY:
      tree.directory(path, attributes);
      break;
    case FileType.SYMLINK:
      tree.symlink(path, attributes, target);
      break;
    case HARD_LINK:
      if (target.length === 0) throw new ArchiveFault('ARCHIVE', `the hard link ${show(name)} names nothing`);
      tree.hardLink(path, target);
      break;
    default:
      tree.special(path, attributes, type, header.devmajor, header.devminor);
  }
}

/** A name as bytes. A pax record that is not UTF-8 arrives with replacement characters and cannot be told any more: refused. */
function nameBytes(header: TarHeader, record: 'path' | 'linkpath', name: string): Uint8Array {
  if (header.pax?.[record] === undefined || header.pax[record] === '') return Buffer.from(name, 'latin1');
  if (name.includes('\ufffd'))
    throw new ArchiveFault('ARCHIVE', `a pax header has a ${record} that is not UTF-8: ${show(Buffer.from(name))}`);
  return Buffer.from(name, 'utf8');
}

function attributesOf(header: TarHeader, permissions: number): EntryAttributes {
  const precise = Number(header.pax?.mtime ?? header.mtime.getTime() / 1000);
  const mtime = Number.isFinite(precise) && Math.abs(precise) < 2 ** 40 ? precise : 0;
  const mtimeSec = Math.floor(mtime);
  return {
    permissions,
    uid: owner(header.pax?.uid ?? header.uid),
    gid: owner(header.pax?.gid ?? header.gid),
    mtimeSec,
    mtimeNsec: Math.min(999_999_999, Math.round((mtime - mtimeSec) * 1e9)),
  };
}

function owner(value: string | number): number {
  const id = Number(value);
  return Number.isInteger(id) && id >= 0 && id < 2 ** 32 ? id : NOBODY;
}

/** Remembers whether the last block that went by was all zero, as the end mark of an archive is. */
class TailWatch {
  #zeroes = 0;

  push(chunk: Uint8Array): void {
    let end = chunk.length;
    while (end > 0 && chunk[end - 1] === 0) end--;
    this.#zeroes = end === 0 ? this.#zeroes + chunk.length : chunk.length - end;
  }

  isZero(): boolean {
    return this.#zeroes >= BLOCK_BYTES;
  }
}
