import { Errno, type Reply } from '@ashlar/hardware';
import { putNames, putSysinfo, SYSINFO_BYTES, UTSNAME_BYTES } from '../abi/structures.ts';
import type { Call } from '../call.ts';
import { CAPABILITY_LAST } from './process.ts';
import { row, type Syscall } from './syscall.ts';

/** What uname(2) says. The release is that of the kernel whose behaviour is the reference, with a suffix that tells them apart. */
export const SYSTEM_NAMES = ['Linux', 'ashlar', '6.12.0-ashlar', '#1 SMP PREEMPT Ashlar', 'riscv64', '(none)'] as const;

/** Indices of `credentials` values. */
const Id = { RUID: 0, EUID: 1, SUID: 2, RGID: 3, EGID: 4, SGID: 5 } as const;

function credential(call: Call, index: number): Reply {
  const reply = call.system.credentials(call.task);
  return reply < 0 ? reply : call.task.values[index]!;
}

/** setuid(2) and setgid(2): the superuser changes all three ids, others only the effective one. */
function setId(call: Call, user: boolean): Reply {
  const id = call.unsigned(0);
  if (id === 0xffff_ffff) return -Errno.EINVAL;
  const reply = call.system.credentials(call.task);
  if (reply < 0) return reply;
  const all = call.task.values[Id.EUID] === 0;
  if (user) return call.system.setCredentials(call.task, all ? { ruid: id, euid: id, suid: id } : { euid: id });
  return call.system.setCredentials(call.task, all ? { rgid: id, egid: id, sgid: id } : { egid: id });
}

type CredentialChange = { ruid?: number; euid?: number; suid?: number; rgid?: number; egid?: number; sgid?: number };

/** The ids named, from consecutive arguments; -1 leaves one as it is. */
function setIds(call: Call, ...names: readonly (keyof CredentialChange)[]): Reply {
  const change: CredentialChange = {};
  names.forEach((name, index) => {
    const id = call.unsigned(index);
    if (id !== 0xffff_ffff) change[name] = id;
  });
  return call.system.setCredentials(call.task, change);
}

function getIds(call: Call, first: number): Reply {
  const reply = call.system.credentials(call.task);
  if (reply < 0) return reply;
  for (let index = 0; index < 3; index++) {
    const stored = call.storeInt(call.address(index), call.task.values[first + index]!);
    if (stored !== 0) return stored;
  }
  return 0;
}

/** setfsuid(2): answers the old id and changes nothing, since files are checked against the effective ids. */
const fileId = (index: number) => (call: Call) => credential(call, index);

function uname(call: Call): Reply {
  putNames(call.scratch, SYSTEM_NAMES);
  return call.store(call.address(0), UTSNAME_BYTES);
}

function sysinfo(call: Call): Reply {
  const reply = call.system.information(call.task);
  if (reply < 0) return reply;
  putSysinfo(call.view, call.task.values);
  return call.store(call.address(0), SYSINFO_BYTES);
}

const CAPABILITY_VERSION_3 = 0x2008_0522;

/** capget(2): the superuser has every capability, others none. */
function capget(call: Call): Reply {
  const header = call.address(0);
  const fetched = call.fetch(header, 8);
  if (fetched !== 0) return fetched;
  if (call.view.getUint32(0, true) !== CAPABILITY_VERSION_3) {
    const stored = call.storeInt(header, CAPABILITY_VERSION_3);
    return stored === 0 ? -Errno.EINVAL : stored;
  }
  const data = call.address(1);
  if (data === 0) return 0;
  const reply = call.system.credentials(call.task);
  if (reply < 0) return reply;
  const { values } = call.task;
  const low = 0xffff_ffff;
  const high = 2 ** (CAPABILITY_LAST - 31) - 1;
  const words = [
    values[Id.EUID] === 0 ? low : 0,
    values[Id.RUID] === 0 ? low : 0,
    0,
    values[Id.EUID] === 0 ? high : 0,
    values[Id.RUID] === 0 ? high : 0,
    0,
  ];
  words.forEach((word, index) => {
    call.view.setUint32(index * 4, word, true);
  });
  return call.store(data, 24);
}

const refused = (): Reply => -Errno.EPERM;
const accepted = (): Reply => 0;

export const IDENTITY_CALLS: readonly Syscall[] = [
  row(39, 'umount2', 'const char *target, int flags', refused),
  row(40, 'mount', 'const char *source, const char *target, const char *type, unsigned long flags, const void *data', refused),
  row(90, 'capget', 'cap_user_header_t header, cap_user_data_t data', capget),
  row(91, 'capset', 'cap_user_header_t header, const cap_user_data_t data', accepted),
  row(92, 'personality', 'unsigned long persona', accepted),
  row(143, 'setregid', 'gid_t real, gid_t effective', (call) => setIds(call, 'rgid', 'egid')),
  row(144, 'setgid', 'gid_t gid', (call) => setId(call, false)),
  row(145, 'setreuid', 'uid_t real, uid_t effective', (call) => setIds(call, 'ruid', 'euid')),
  row(146, 'setuid', 'uid_t uid', (call) => setId(call, true)),
  row(147, 'setresuid', 'uid_t real, uid_t effective, uid_t saved', (call) => setIds(call, 'ruid', 'euid', 'suid')),
  row(148, 'getresuid', 'uid_t *real, uid_t *effective, uid_t *saved', (call) => getIds(call, Id.RUID)),
  row(149, 'setresgid', 'gid_t real, gid_t effective, gid_t saved', (call) => setIds(call, 'rgid', 'egid', 'sgid')),
  row(150, 'getresgid', 'gid_t *real, gid_t *effective, gid_t *saved', (call) => getIds(call, Id.RGID)),
  row(151, 'setfsuid', 'uid_t uid', fileId(Id.EUID)),
  row(152, 'setfsgid', 'gid_t gid', fileId(Id.EGID)),
  row(154, 'setpgid', 'pid_t pid, pid_t group', (call) => call.system.setProcessGroup(call.task, call.int(0), call.int(1))),
  row(155, 'getpgid', 'pid_t pid', (call) => call.system.processGroup(call.task, call.int(0))),
  row(156, 'getsid', 'pid_t pid', (call) => call.system.session(call.task, call.int(0))),
  row(157, 'setsid', '', (call) => call.system.setSession(call.task)),
  row(158, 'getgroups', 'int count, gid_t *groups', (call) => (call.int(0) < 0 ? -Errno.EINVAL : 0)),
  row(159, 'setgroups', 'int count, const gid_t *groups', accepted),
  row(160, 'uname', 'struct utsname *names', uname),
  row(161, 'sethostname', 'const char *name, size_t length', refused),
  row(162, 'setdomainname', 'const char *name, size_t length', refused),
  row(166, 'umask', 'int mask', (call) => call.system.umask(call.task, call.int(0) & 0o777)),
  row(172, 'getpid', '', (call) => call.task.group),
  row(173, 'getppid', '', (call) => call.system.parentId(call.task)),
  row(174, 'getuid', '', (call) => credential(call, Id.RUID)),
  row(175, 'geteuid', '', (call) => credential(call, Id.EUID)),
  row(176, 'getgid', '', (call) => credential(call, Id.RGID)),
  row(177, 'getegid', '', (call) => credential(call, Id.EGID)),
  row(178, 'gettid', '', (call) => call.task.id),
  row(179, 'sysinfo', 'struct sysinfo *info', sysinfo),
];
