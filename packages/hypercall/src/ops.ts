/**
 * Every request, reply and event that frames carry: number, arguments and results, in order. Docs, test vectors and {@link describeFrame} come from
 * this table.
 *
 * Types: u8 u16 u32; u53, i53: 64-bit fields limited to ±(2^53 − 1); instant: sec i53, nsec u32; bytes, text (UTF-8), json: u32 length and so many
 * bytes; attributes, statistics, change: records, see {@link RECORDS}; keys: u16 count and so many u32.
 */
export type FieldType =
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u53'
  | 'i53'
  | 'instant'
  | 'bytes'
  | 'text'
  | 'json'
  | 'attributes'
  | 'statistics'
  | 'change'
  | 'keys';

export type Field = readonly [name: string, type: FieldType];

export interface OpRow {
  readonly op: number;
  readonly name: string;
  readonly arguments: readonly Field[];
  /** What follows the result (i53) in a reply that is no wait and whose result is not negative. */
  readonly results: readonly Field[];
  readonly event?: true;
}

/** Numbers of the requests. The high byte groups them: 0 machine, 1 any device, 2 console, 3 share, 4 socket, 5 entropy. */
export const Op = {
  ENTROPY: 0x0001,
  CLOCK: 0x0002,
  PARTITION: 0x0003,
  LIMIT: 0x0004,
  REVOKE: 0x0005,
  WATCH: 0x0006,
  FIRED: 0x0010,
  LIMITED: 0x0011,
  OPEN: 0x0100,
  RESET: 0x0101,
  OFFERED: 0x0102,
  ACCEPT: 0x0103,
  QUIESCE: 0x0104,
  SAVE: 0x0105,
  RESTORE: 0x0106,
  CLOSE: 0x0107,
  CONSOLE_READ: 0x0200,
  CONSOLE_WRITE: 0x0201,
  CONSOLE_SIZE: 0x0202,
  LOOKUP: 0x0300,
  GETATTR: 0x0301,
  SETATTR: 0x0302,
  READLINK: 0x0303,
  CREATE: 0x0304,
  MKDIR: 0x0305,
  SYMLINK: 0x0306,
  LINK: 0x0307,
  UNLINK: 0x0308,
  RMDIR: 0x0309,
  RENAME: 0x030a,
  READ: 0x030b,
  WRITE: 0x030c,
  READDIR: 0x030d,
  FSYNC: 0x030e,
  STATFS: 0x030f,
  FORGET: 0x0310,
  CONNECT: 0x0400,
  LISTEN: 0x0401,
  ACCEPT_CONNECTION: 0x0402,
  NAME: 0x0403,
  SEND: 0x0404,
  RECEIVE: 0x0405,
  READY: 0x0406,
  SHUTDOWN: 0x0407,
  CLOSE_CONNECTION: 0x0408,
  FILL: 0x0500,
} as const;

/** Bounds of arguments, in bytes unless said otherwise. */
export const OP_LIMITS = {
  jsonBytesMax: 65_536,
  featuresBytesMax: 4096,
  nameBytesMax: 255,
  targetBytesMax: 4096,
  hostBytesMax: 255,
  consoleBytesMax: 65_536,
  entropyBytesMax: 65_536,
  shareBytesMax: 1 << 20,
  socketBytesMax: 1 << 20,
  /** Of one piece of a saved device. */
  pieceBytesMax: 1 << 20,
  /** Of a whole saved device. */
  savedBytesMax: 256 << 20,
  /** Event keys of one wait or FIRED. */
  keysMax: 1024,
} as const;

const row = (op: number, name: string, args: readonly Field[], results: readonly Field[] = []): OpRow => ({
  op,
  name,
  arguments: args,
  results,
});
const DEVICE: Field = ['device', 'u16'];
const TAG: Field = ['tag', 'u32'];
const OUT: Field = ['attributes', 'attributes'];

export const OPERATIONS: readonly OpRow[] = [
  row(Op.ENTROPY, 'ENTROPY', [['count', 'u32']], [['data', 'bytes']]),
  row(Op.CLOCK, 'CLOCK', [['which', 'u8']], [['time', 'instant']]),
  row(Op.PARTITION, 'PARTITION', [['want', 'json']], [['manifest', 'json']]),
  row(Op.LIMIT, 'LIMIT', [
    ['child', 'u32'],
    ['limits', 'json'],
  ]),
  row(Op.REVOKE, 'REVOKE', [['child', 'u32']]),
  row(Op.WATCH, 'WATCH', [['keys', 'keys']]),
  { ...row(Op.FIRED, 'FIRED', [['keys', 'keys']]), event: true },
  { ...row(Op.LIMITED, 'LIMITED', [['pages', 'u53']]), event: true },
  row(
    Op.OPEN,
    'OPEN',
    [DEVICE],
    [
      ['event', 'u32'],
      ['schema', 'text'],
    ],
  ),
  row(Op.RESET, 'RESET', [DEVICE]),
  row(Op.OFFERED, 'OFFERED', [DEVICE], [['features', 'json']]),
  row(Op.ACCEPT, 'ACCEPT', [DEVICE, ['features', 'json']]),
  row(Op.QUIESCE, 'QUIESCE', [DEVICE, ['until', 'instant']]),
  row(Op.SAVE, 'SAVE', [DEVICE, ['at', 'u32']], [['piece', 'bytes']]),
  row(Op.RESTORE, 'RESTORE', [DEVICE, ['at', 'u32'], ['total', 'u32'], ['piece', 'bytes']]),
  row(Op.CLOSE, 'CLOSE', [DEVICE]),
  row(Op.CONSOLE_READ, 'CONSOLE_READ', [DEVICE, ['count', 'u32']], [['data', 'bytes']]),
  row(Op.CONSOLE_WRITE, 'CONSOLE_WRITE', [DEVICE, ['data', 'bytes']]),
  row(
    Op.CONSOLE_SIZE,
    'CONSOLE_SIZE',
    [DEVICE],
    [
      ['columns', 'u32'],
      ['rows', 'u32'],
    ],
  ),
  row(Op.LOOKUP, 'LOOKUP', [DEVICE, ['parent', 'u53'], ['name', 'bytes']], [OUT]),
  row(Op.GETATTR, 'GETATTR', [DEVICE, ['node', 'u53']], [OUT]),
  row(Op.SETATTR, 'SETATTR', [DEVICE, TAG, ['node', 'u53'], ['change', 'change']], [OUT]),
  row(Op.READLINK, 'READLINK', [DEVICE, ['node', 'u53'], ['count', 'u32']], [['target', 'bytes']]),
  row(Op.CREATE, 'CREATE', [DEVICE, TAG, ['parent', 'u53'], ['name', 'bytes'], ['mode', 'u32'], ['rdev', 'u53']], [OUT]),
  row(Op.MKDIR, 'MKDIR', [DEVICE, TAG, ['parent', 'u53'], ['name', 'bytes'], ['mode', 'u32']], [OUT]),
  row(Op.SYMLINK, 'SYMLINK', [DEVICE, TAG, ['parent', 'u53'], ['name', 'bytes'], ['target', 'bytes']], [OUT]),
  row(Op.LINK, 'LINK', [DEVICE, TAG, ['node', 'u53'], ['parent', 'u53'], ['name', 'bytes']], [OUT]),
  row(Op.UNLINK, 'UNLINK', [DEVICE, TAG, ['parent', 'u53'], ['name', 'bytes']]),
  row(Op.RMDIR, 'RMDIR', [DEVICE, TAG, ['parent', 'u53'], ['name', 'bytes']]),
  row(Op.RENAME, 'RENAME', [DEVICE, TAG, ['from', 'u53'], ['name', 'bytes'], ['to', 'u53'], ['newName', 'bytes'], ['flags', 'u32']]),
  row(Op.READ, 'READ', [DEVICE, ['node', 'u53'], ['at', 'u53'], ['count', 'u32']], [['data', 'bytes']]),
  row(Op.WRITE, 'WRITE', [DEVICE, ['node', 'u53'], ['at', 'u53'], ['data', 'bytes']]),
  row(Op.READDIR, 'READDIR', [DEVICE, ['node', 'u53'], ['cookie', 'u53'], ['count', 'u32']], [['records', 'bytes']]),
  row(Op.FSYNC, 'FSYNC', [DEVICE, ['node', 'u53']]),
  row(Op.STATFS, 'STATFS', [DEVICE], [['statistics', 'statistics']]),
  row(Op.FORGET, 'FORGET', [DEVICE, ['node', 'u53'], ['count', 'u53']]),
  row(Op.CONNECT, 'CONNECT', [DEVICE, TAG, ['host', 'text'], ['port', 'u16']]),
  row(Op.LISTEN, 'LISTEN', [DEVICE, TAG, ['host', 'text'], ['port', 'u16'], ['backlog', 'u32']]),
  row(Op.ACCEPT_CONNECTION, 'ACCEPT_CONNECTION', [DEVICE, TAG, ['listener', 'u32']]),
  row(
    Op.NAME,
    'NAME',
    [DEVICE, ['id', 'u32']],
    [
      ['localPort', 'u16'],
      ['peerHost', 'text'],
      ['peerPort', 'u16'],
    ],
  ),
  row(Op.SEND, 'SEND', [DEVICE, ['connection', 'u32'], ['sequence', 'u53'], ['data', 'bytes']]),
  row(Op.RECEIVE, 'RECEIVE', [DEVICE, ['connection', 'u32'], ['sequence', 'u53'], ['count', 'u32']], [['data', 'bytes']]),
  row(Op.READY, 'READY', [DEVICE, ['id', 'u32']]),
  row(Op.SHUTDOWN, 'SHUTDOWN', [DEVICE, ['connection', 'u32']]),
  row(Op.CLOSE_CONNECTION, 'CLOSE_CONNECTION', [DEVICE, ['id', 'u32']]),
  row(Op.FILL, 'FILL', [DEVICE, ['count', 'u32']], [['data', 'bytes']]),
];

const BY_NUMBER = new Map(OPERATIONS.map((entry) => [entry.op, entry]));

export function operation(op: number): OpRow | undefined {
  return BY_NUMBER.get(op);
}

/** Fields of the record types. A change begins with a u8 of bits that say which fields count (bit 6: atime now, bit 7: mtime now). */
export const RECORDS = {
  attributes: [
    ['node', 'u53'],
    ['mode', 'u32'],
    ['size', 'u53'],
    ['links', 'u32'],
    ['uid', 'u32'],
    ['gid', 'u32'],
    ['rdev', 'u53'],
    ['atime', 'instant'],
    ['mtime', 'instant'],
    ['ctime', 'instant'],
  ],
  statistics: [
    ['blockBytes', 'u32'],
    ['blocks', 'u53'],
    ['blocksFree', 'u53'],
    ['nodes', 'u53'],
    ['nodesFree', 'u53'],
  ],
} as const satisfies Record<string, readonly Field[]>;

/** Bits of a change record; mode, size, uid, gid, atime, mtime follow in this order where their bit is set. */
export const ChangeBit = { MODE: 1, SIZE: 2, UID: 4, GID: 8, ATIME: 16, MTIME: 32, ATIME_NOW: 64, MTIME_NOW: 128 } as const;

/** Clock names by number. */
export const CLOCKS = ['monotonic', 'wall', 'steal'] as const;
