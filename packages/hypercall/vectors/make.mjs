// Writes frames.json and refused.json from the table of operations: node packages/hypercall/vectors/make.mjs (after a build).
import { writeFileSync } from 'node:fs';
import { composeFrame, OPERATIONS } from '../dist/index.js';

const instant = { sec: 1_700_000_000, nsec: 999_999_999 };
const SAMPLES = {
  u8: 1,
  u16: 0x0102,
  u32: 0x01020304,
  u53: 0x1f_0203_0405_0607,
  i53: -2,
  instant,
  bytes: new Uint8Array([0, 1, 254, 255]),
  text: 'né',
  json: { pages: 16, devices: ['root'] },
  keys: [1, 0xffffffff],
  attributes: {
    node: 2,
    mode: 0o100644,
    size: 2 ** 40,
    links: 1,
    uid: 1000,
    gid: 100,
    rdev: 0,
    atime: instant,
    mtime: { sec: -1, nsec: 0 },
    ctime: { sec: 0, nsec: 1 },
  },
  statistics: { blockBytes: 4096, blocks: 2 ** 33, blocksFree: 1, nodes: 7, nodesFree: 0 },
  change: { mode: 0o600, size: 5, uid: 1, gid: 2, atime: 'now', mtime: instant },
};
const fields = (list) => Object.fromEntries(list.map(([name, type]) => [name, SAMPLES[type]]));
const hex = (bytes) => Buffer.from(bytes).toString('hex');
/** JSON has no bytes: they are written as { "hex": … }. */
const plain = (value) => JSON.parse(JSON.stringify(value, (_key, item) => (item instanceof Uint8Array ? { hex: hex(item) } : item)));
const common = { label: 3, sequence: 0xfffffffe };

const frames = [];
const add = (name, frame) => frames.push({ name, frame: plain(frame), hex: hex(composeFrame(frame)) });
for (const row of OPERATIONS) {
  const kind = row.event ? 'event' : 'request';
  add(`${kind} ${row.name}`, { type: kind, ...common, op: row.name, arguments: fields(row.arguments) });
  if (!row.event) add(`reply ${row.name}`, { type: 'reply', ...common, op: row.name, result: 0, results: fields(row.results) });
}
add('reply that is an error', { type: 'reply', ...common, op: 'READ', result: -2, results: {} });
add('reply that is a wait', { type: 'reply', ...common, op: 'READ', wait: { on: [7, 8] } });
add('reply that is a wait with a deadline', { type: 'reply', ...common, op: 'READ', wait: { on: [], until: instant } });
add('change of nothing but a time', {
  type: 'request',
  ...common,
  op: 'SETATTR',
  arguments: { device: 0, tag: 1, node: 1, change: { mtime: 'now' } },
});
const inner = { type: 'request', label: 4, sequence: 1, op: 'FSYNC', arguments: { device: 0, node: 1 } };
const tunnel = (label, unasked, frame) => ({ type: 'tunnel', label, sequence: 9, unasked, inner: frame });
add('request in two tunnels', tunnel(2, false, tunnel(3, false, inner)));
add('reply in a tunnel', tunnel(3, false, { type: 'reply', label: 4, sequence: 1, op: 'FSYNC', result: 0, results: {} }));
add('event in a tunnel', tunnel(3, true, { type: 'event', label: 4, sequence: 1, op: 'FIRED', arguments: { keys: [5] } }));

const base = composeFrame(inner);
const changed = (at, value, from = base) => Object.assign(from.slice(), { [at]: value });
const deep = Array.from({ length: 65 }).reduce((frame) => tunnel(2, false, frame), inner);
const oversized = changed(6, 0x11);
const refused = [
  ['empty', new Uint8Array(0), 'EBADMSG'],
  ['half a header', base.slice(0, 12), 'EBADMSG'],
  ['truncated body', base.slice(0, base.length - 1), 'EBADMSG'],
  ['trailing byte', new Uint8Array([...base, 0]), 'EBADMSG'],
  ['another magic', changed(0, 0), 'EBADMSG'],
  ['another version', changed(2, 2), 'EPROTO'],
  ['type 0', changed(3, 0), 'EPROTO'],
  ['type 5', changed(3, 5), 'EPROTO'],
  ['length beyond the bound', oversized, 'EMSGSIZE'],
  ['hops of a request', changed(18, 1), 'EPROTO'],
  ['unknown flag', changed(19, 4), 'EPROTO'],
  ['reserved field', changed(20, 1), 'EPROTO'],
  ['unknown op', changed(17, 0x7f), 'ENOSYS'],
  [
    'event as a request',
    changed(3, 1, composeFrame({ type: 'event', label: 4, sequence: 1, op: 'FIRED', arguments: { keys: [5] } })),
    'ENOSYS',
  ],
  ['argument beyond 2^53', changed(33, 0xff, base), 'EBADMSG'],
  ['65 tunnels', composeFrame(deep), 'ELOOP'],
  ['hops that are not how many tunnels there are', changed(18, 2, composeFrame(tunnel(3, false, inner))), 'EPROTO'],
  [
    'tunnel with nothing in it',
    composeFrame(tunnel(3, false, inner))
      .slice(0, 24)
      .map((byte, at) => (at === 4 ? 24 : byte)),
    'EBADMSG',
  ],
].map(([name, bytes, errno]) => ({ name, hex: hex(bytes), errno }));

const write = (file, value) => writeFileSync(new URL(file, import.meta.url), `${JSON.stringify(value, undefined, 2)}\n`);
write('frames.json', frames);
write('refused.json', refused);
