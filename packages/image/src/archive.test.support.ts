/** An entry of a tar archive as a test writes it: anything may be wrong with it. */
export interface RawEntry {
  /** As bytes (latin-1), at most 100. */
  readonly name: string;
  readonly type?: string;
  readonly content?: Uint8Array | string;
  /** The size in the header, if it is not that of the content. */
  readonly claimedSize?: number;
  readonly link?: string;
  readonly mode?: number;
  readonly mtime?: number;
  readonly uid?: number;
  readonly major?: number;
  readonly minor?: number;
}

const BLOCK = 512;

/** A ustar archive of exactly these entries, with its end mark unless `open`. */
export function tar(entries: readonly RawEntry[], options: { readonly open?: boolean } = {}): Buffer {
  const blocks = entries.flatMap((entry) => {
    const content = Buffer.from(entry.content ?? '');
    return [header(entry, content.length), content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)];
  });
  if (options.open !== true) blocks.push(Buffer.alloc(2 * BLOCK));
  return Buffer.concat(blocks);
}

/** A pax extended header with these records, to stand before an entry. */
export function pax(records: Readonly<Record<string, string | Buffer>>): RawEntry {
  const lines = Object.entries(records).map(([key, value]) => {
    const body = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
    let length = body.length + 1;
    while (String(length).length + body.length !== length) length = String(length).length + body.length;
    return Buffer.concat([Buffer.from(String(length)), body]);
  });
  return { name: 'PaxHeader', type: 'x', content: Buffer.concat(lines) };
}

/** The GNU way of a long name, to stand before an entry. */
export function gnuLongName(name: string): RawEntry {
  return { name: '././@LongLink', type: 'L', content: Buffer.from(`${name}\0`, 'latin1') };
}

function header(entry: RawEntry, length: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(entry.name, 0, 100, 'latin1');
  octal(block, 100, 8, entry.mode ?? 0o644);
  octal(block, 108, 8, entry.uid ?? 0);
  octal(block, 116, 8, 0);
  octal(block, 124, 12, entry.claimedSize ?? length);
  octal(block, 136, 12, entry.mtime ?? 0);
  block.write(entry.type ?? '0', 156, 'latin1');
  block.write(entry.link ?? '', 157, 100, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(block, 329, 8, entry.major ?? 0);
  octal(block, 337, 8, entry.minor ?? 0);
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function octal(block: Buffer, at: number, width: number, value: number): void {
  block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
}
