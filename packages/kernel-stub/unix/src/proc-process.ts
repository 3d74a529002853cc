import type { Mapping } from '@ashlar/hardware';
import { PAGE_BYTES, Prot } from '@ashlar/hardware';
import { deviceNumber } from './attributes.ts';
import type { ProcessView } from './host.ts';
import { ticks } from './proc-system.ts';
import type { ProcfsSource } from './procfs.ts';
import { PTS_MAJOR } from './terminal.ts';
import { nameKey, type TreePlace } from './tree-place.ts';

/** One text file of /proc/PID. Bytes pass through strings of one character per byte. */
export interface ProcessFile {
  readonly name: string;
  readonly text: (process: ProcessView, source: ProcfsSource, thread: number) => string | Uint8Array;
}

const file = (name: string, text: ProcessFile['text']): ProcessFile => ({ name, text });

/** The order is part of the saved form: add at the end. */
export const PROCESS_FILES: readonly ProcessFile[] = [
  file('stat', stat),
  file('status', status),
  file('statm', statm),
  file('maps', maps),
  file('cmdline', (process) => strings(process.argv)),
  file('environ', (process) => strings(process.environment)),
  file('comm', (process) => `${nameKey(process.name)}\n`),
  file('mounts', mounts),
  file('mountinfo', mountinfo),
  file('limits', limits),
  file('cgroup', () => '0::/\n'),
  file('oom_score', () => '0\n'),
  file('oom_score_adj', () => '0\n'),
  file('wchan', () => '0'),
  file('uid_map', () => '         0          0 4294967295\n'),
  file('gid_map', () => '         0          0 4294967295\n'),
  file('setgroups', () => 'allow\n'),
  file('loginuid', () => '4294967295'),
  file('io', () => 'rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n'),
];

/** Strings with a NUL after each, as programs lay them out. */
const strings = (all: readonly Uint8Array[]): string => all.map((each) => `${nameKey(each)}\0`).join('');

const bytesMapped = (process: ProcessView): number => {
  let bytes = 0;
  for (const mapping of process.space?.mappings() ?? []) if (mapping.prot !== Prot.NONE) bytes += mapping.bytes;
  return bytes;
};

function stat(process: ProcessView, _source: ProcfsSource, thread: number): string {
  const { terminal } = process;
  const top = stackTop(process);
  // proc_pid_stat(5), fields 3 to 52.
  const fields = [
    process.state,
    process.parent,
    process.processGroup,
    process.session,
    terminal === undefined ? 0 : deviceNumber(PTS_MAJOR, terminal.index),
    terminal === undefined ? -1 : terminal.foreground,
    ...[0, 0, 0, 0, 0],
    ticks(process.userNs),
    ticks(process.systemNs),
    ...[0, 0, 20, 0],
    Math.max(1, process.threads.length),
    0,
    ticks(process.startNs),
    bytesMapped(process),
    process.space?.residentPages ?? 0,
    '18446744073709551615',
    ...[0, 0],
    top,
    ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0],
    ...[0, 0],
    process.heapStart,
    ...[0, 0, 0, 0],
    0,
  ];
  return `${thread} (${nameKey(process.name)}) ${fields.join(' ')}\n`;
}

const STATES = { R: 'running', S: 'sleeping', D: 'disk sleep', T: 'stopped', Z: 'zombie' } as const;

function status(process: ProcessView, _source: ProcfsSource, thread: number): string {
  const { credentials: who, space } = process;
  const kib = (bytes: number): string => `${String(Math.ceil(bytes / 1024)).padStart(8)} kB`;
  const size = kib(bytesMapped(process));
  const resident = kib((space?.residentPages ?? 0) * PAGE_BYTES);
  const heap = kib(process.heapEnd - process.heapStart);
  const umask = (process.directories?.umask ?? 0).toString(8).padStart(4, '0');
  const rows: (readonly [string, string | number])[] = [
    ['Name', nameKey(process.name)],
    ['Umask', umask],
    ['State', `${process.state} (${STATES[process.state]})`],
    ['Tgid', process.pid],
    ['Ngid', 0],
    ['Pid', thread],
    ['PPid', process.parent],
    ['TracerPid', 0],
    ['Uid', `${who.ruid}\t${who.euid}\t${who.suid}\t${who.euid}`],
    ['Gid', `${who.rgid}\t${who.egid}\t${who.sgid}\t${who.egid}`],
    ['FDSize', Math.max(64, process.descriptors().length)],
    ['Groups', ' '],
  ];
  if (space !== undefined) {
    rows.push(['VmPeak', size], ['VmSize', size], ['VmLck', kib(0)], ['VmPin', kib(0)], ['VmHWM', resident], ['VmRSS', resident]);
    rows.push(['RssAnon', resident], ['RssFile', kib(0)], ['RssShmem', kib(0)], ['VmData', heap], ['VmStk', kib(0)], ['VmExe', kib(0)]);
    rows.push(['VmLib', kib(0)], ['VmPTE', kib(0)], ['VmSwap', kib(0)]);
  }
  const none = '0000000000000000';
  const all = who.euid === 0 ? '000001ffffffffff' : none;
  rows.push(['Threads', Math.max(1, process.threads.length)], ['SigQ', '0/4096'], ['SigPnd', none], ['ShdPnd', none], ['SigBlk', none]);
  rows.push(['SigIgn', none], ['SigCgt', none], ['CapInh', none], ['CapPrm', all], ['CapEff', all], ['CapBnd', '000001ffffffffff']);
  rows.push(['CapAmb', none], ['NoNewPrivs', 0], ['Seccomp', 0], ['Cpus_allowed', 1], ['Cpus_allowed_list', 0]);
  rows.push(['Mems_allowed', '00000001'], ['Mems_allowed_list', 0], ['voluntary_ctxt_switches', 0], ['nonvoluntary_ctxt_switches', 0]);
  return rows.map(([name, value]) => `${name}:\t${value}\n`).join('');
}

function statm(process: ProcessView): string {
  return `${bytesMapped(process) / PAGE_BYTES} ${process.space?.residentPages ?? 0} 0 0 0 ${(process.heapEnd - process.heapStart) / PAGE_BYTES} 0\n`;
}

/** Where the names of mappings begin (fs/proc/task_mmu.c). */
const NAME_COLUMN = 73;

function maps(process: ProcessView, source: ProcfsSource): string {
  const mappings = process.space?.mappings() ?? [];
  const top = stackTop(process);
  return mappings.map((mapping) => mapLine(mapping, process, source, top)).join('');
}

function mapLine(mapping: Mapping, process: ProcessView, source: ProcfsSource, top: number): string {
  const { start, bytes, prot, sharing, backing, offset } = mapping;
  const end = start + bytes;
  const place = backing === undefined ? undefined : source.backingPath(backing.id);
  const hex = (value: number): string => value.toString(16).padStart(8, '0');
  const bits =
    ((prot & Prot.READ) !== 0 ? 'r' : '-') +
    ((prot & Prot.WRITE) !== 0 ? 'w' : '-') +
    ((prot & Prot.EXEC) !== 0 ? 'x' : '-') +
    (sharing === 'shared' ? 's' : 'p');
  const device = place === undefined ? '00:00' : `00:${place.filesystem.device.toString(16).padStart(2, '0')}`;
  const head = `${hex(start)}-${hex(end)} ${bits} ${hex(place === undefined ? 0 : offset)} ${device} ${place?.node ?? 0} `;
  const name = place !== undefined ? fileName(place, process) : specialName(start, end, process, top);
  return name === '' ? `${head}\n` : `${head.padEnd(NAME_COLUMN)}${name}\n`;
}

function fileName(place: TreePlace, process: ProcessView): string {
  const root = process.directories?.root as TreePlace | undefined;
  return (root === undefined ? '/' : place.pathFrom(root)) + (place.isUnreachable ? ' (deleted)' : '');
}

function specialName(start: number, end: number, process: ProcessView, top: number): string {
  if (start < process.heapEnd && end > process.heapStart && process.heapEnd > process.heapStart) return '[heap]';
  return end === top ? '[stack]' : '';
}

/** The highest anonymous writable mapping is the first thread's stack; 0 if there is none. */
function stackTop(process: ProcessView): number {
  let top = 0;
  for (const { start, bytes, prot, backing } of process.space?.mappings() ?? []) {
    if ((backing === undefined || backing.id === '') && (prot & Prot.WRITE) !== 0) top = Math.max(top, start + bytes);
  }
  return top;
}

function mounts(_process: ProcessView, source: ProcfsSource): string {
  return source
    .mounts()
    .map(({ path, filesystem }) => `${filesystem.type} ${path} ${filesystem.type} ${filesystem.readOnly ? 'ro' : 'rw'},relatime 0 0\n`)
    .join('');
}

function mountinfo(_process: ProcessView, source: ProcfsSource): string {
  return source
    .mounts()
    .map(({ path, filesystem }, index) => {
      const mode = filesystem.readOnly ? 'ro' : 'rw';
      return `${20 + index} ${index === 0 ? 1 : 20} 0:${index + 1} / ${path} ${mode},relatime - ${filesystem.type} ${filesystem.type} ${mode}\n`;
    })
    .join('');
}

const LIMITS: readonly (readonly [string, string, string, string])[] = [
  ['Max cpu time', 'unlimited', 'unlimited', 'seconds'],
  ['Max file size', 'unlimited', 'unlimited', 'bytes'],
  ['Max data size', 'unlimited', 'unlimited', 'bytes'],
  ['Max stack size', '8388608', 'unlimited', 'bytes'],
  ['Max core file size', '0', 'unlimited', 'bytes'],
  ['Max resident set', 'unlimited', 'unlimited', 'bytes'],
  ['Max processes', '4096', '4096', 'processes'],
  ['Max open files', '1024', '4096', 'files'],
  ['Max locked memory', '8388608', '8388608', 'bytes'],
  ['Max address space', 'unlimited', 'unlimited', 'bytes'],
];

function limits(): string {
  const row = (name: string, soft: string, hard: string, unit: string): string =>
    `${name.padEnd(26)}${soft.padEnd(21)}${hard.padEnd(21)}${unit.padEnd(10)}\n`;
  return row('Limit', 'Soft Limit', 'Hard Limit', 'Units') + LIMITS.map((each) => row(...each)).join('');
}
