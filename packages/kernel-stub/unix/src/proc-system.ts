import type { Instant } from '@ashlar/hardware';
import { PAGE_BYTES } from '@ashlar/hardware';
import { SYSTEM_LIMITS } from '@ashlar/kernel-stub';
import type { UnixHost } from './host.ts';
import { HOST_NAME, KERNEL_NAME, KERNEL_RELEASE, KERNEL_VERSION, PID_MAX } from './identity.ts';
import type { Asker } from './vfs.ts';

/** What the texts that belong to no process are made from. */
export interface GlobalFacts {
  readonly host: UnixHost;
  /** Made at the first reading; '' before. */
  bootId: string;
}

/** An entry of /proc that belongs to no process. */
export type GlobalEntry =
  | { readonly kind: 'directory'; readonly name: string; readonly children: readonly GlobalEntry[] }
  | { readonly kind: 'file'; readonly name: string; readonly settable?: boolean; readonly text: (facts: GlobalFacts) => string }
  | { readonly kind: 'link'; readonly name: string; readonly target: (asker: Asker) => string };

const directory = (name: string, ...children: GlobalEntry[]): GlobalEntry => ({ kind: 'directory', name, children });
const file = (name: string, text: (facts: GlobalFacts) => string): GlobalEntry => ({ kind: 'file', name, text });
const setting = (name: string, value: string | number): GlobalEntry => ({ kind: 'file', name, settable: true, text: () => `${value}\n` });
const link = (name: string, target: (asker: Asker) => string): GlobalEntry => ({ kind: 'link', name, target });

/** Clock ticks of a second in /proc (USER_HZ). */
export const TICKS_PER_SEC = 100;
const NS_PER_TICK = 1e9 / TICKS_PER_SEC;
export const ticks = (ns: number): number => Math.floor(ns / NS_PER_TICK);

/** All of /proc but processes. The order is part of the saved form: add at the end of a directory only. */
export const GLOBAL_TREE: GlobalEntry = directory(
  '',
  link('self', (asker) => String(asker.pid)),
  link('thread-self', (asker) => `${asker.pid}/task/${asker.thread}`),
  link('mounts', () => 'self/mounts'),
  file('cmdline', () => '\n'),
  file('cpuinfo', cpuinfo),
  file('devices', () => 'Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n136 pts\n\nBlock devices:\n'),
  file('filesystems', () => 'nodev\tproc\nnodev\ttmpfs\nnodev\tdevtmpfs\nnodev\tdevpts\nnodev\tashlar\n'),
  file('loadavg', ({ host }) => `0.00 0.00 0.00 ${host.tasksRunnable}/${host.processes().length} ${host.tasksMade}\n`),
  file('meminfo', meminfo),
  file('stat', stat),
  file('swaps', () => 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n'),
  file('uptime', uptime),
  file('version', () => `${KERNEL_NAME} version ${KERNEL_RELEASE} (ashlar@${HOST_NAME}) ${KERNEL_VERSION}\n`),
  directory(
    'sys',
    directory(
      'fs',
      setting('file-max', 1_000_000),
      setting('nr_open', 1_048_576),
      setting('pipe-max-size', 1_048_576),
      directory('mqueue'),
    ),
    directory(
      'kernel',
      setting('ostype', KERNEL_NAME),
      setting('osrelease', KERNEL_RELEASE),
      setting('version', KERNEL_VERSION),
      setting('hostname', HOST_NAME),
      setting('domainname', '(none)'),
      setting('pid_max', PID_MAX),
      setting('threads-max', SYSTEM_LIMITS.tasks),
      setting('ngroups_max', 65536),
      setting('cap_last_cap', 40),
      setting('randomize_va_space', 0),
      setting('core_pattern', 'core'),
      setting('shmmax', 2 ** 32),
      directory(
        'random',
        file('uuid', (facts) => `${randomUuid(facts.host)}\n`),
        file('boot_id', bootId),
        setting('entropy_avail', 256),
        setting('poolsize', 256),
      ),
    ),
    directory(
      'vm',
      setting('overcommit_memory', 1),
      setting('overcommit_ratio', 50),
      setting('max_map_count', 65530),
      setting('mmap_min_addr', 65536),
      setting('swappiness', 0),
    ),
    directory('net', directory('core', setting('somaxconn', 4096))),
  ),
);

function cpuinfo({ host }: GlobalFacts): string {
  const one = (cpu: number): string =>
    `processor\t: ${cpu}\nhart\t\t: ${cpu}\nisa\t\t: rv64imafdc_zicsr_zifencei_zba_zbb_zbs\nmmu\t\t: sv57\nuarch\t\t: ashlar\n\n`;
  return Array.from({ length: host.machine.shape.vcpus }, (_unused, cpu) => one(cpu)).join('');
}

function meminfo({ host }: GlobalFacts): string {
  const { limitPages, usedPages } = host.machine.memory;
  const kib = (pages: number): string => String(pages * (PAGE_BYTES / 1024)).padStart(8);
  const free = limitPages - usedPages;
  const rows: readonly (readonly [string, number])[] = [
    ['MemTotal', limitPages],
    ['MemFree', free],
    ['MemAvailable', free],
    ['Buffers', 0],
    ['Cached', 0],
    ['SwapCached', 0],
    ['Active', usedPages],
    ['Inactive', 0],
    ['SwapTotal', 0],
    ['SwapFree', 0],
    ['Dirty', 0],
    ['Writeback', 0],
    ['AnonPages', usedPages],
    ['Mapped', 0],
    ['Shmem', 0],
    ['Slab', 0],
    ['SReclaimable', 0],
    ['CommitLimit', limitPages],
    ['Committed_AS', usedPages],
  ];
  return rows.map(([name, pages]) => `${`${name}:`.padEnd(16)}${kib(pages)} kB\n`).join('');
}

function busyNs(host: UnixHost): { user: number; system: number } {
  let user = 0;
  let system = 0;
  for (const process of host.processes()) {
    user += process.userNs;
    system += process.systemNs;
  }
  return { user, system };
}

function stat({ host }: GlobalFacts): string {
  const { user, system } = busyNs(host);
  const now = monotonic(host);
  const idle = Math.max(0, now.sec * 1e9 + now.nsec - user - system);
  const times = `${ticks(user)} 0 ${ticks(system)} ${ticks(idle)} 0 0 0 0 0 0`;
  return (
    `cpu  ${times}\ncpu0 ${times}\nintr 0\nctxt 0\nbtime ${host.bootSec}\nprocesses ${host.tasksMade}\n` +
    `procs_running ${host.tasksRunnable}\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n`
  );
}

function uptime({ host }: GlobalFacts): string {
  const now = monotonic(host);
  const { user, system } = busyNs(host);
  const up = now.sec + now.nsec / 1e9;
  return `${up.toFixed(2)} ${Math.max(0, up - (user + system) / 1e9).toFixed(2)}\n`;
}

export function monotonic(host: UnixHost): Instant {
  const now = { sec: 0, nsec: 0 };
  host.clock('monotonic', now);
  return now;
}

function bootId(facts: GlobalFacts): string {
  if (facts.bootId === '') facts.bootId = randomUuid(facts.host);
  return `${facts.bootId}\n`;
}

/** RFC 9562 version 4. */
function randomUuid(host: UnixHost): string {
  const bytes = new Uint8Array(16);
  host.machine.entropy(bytes);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
