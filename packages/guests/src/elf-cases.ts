import type { GuestCase } from './guest.ts';

/** The riscv64 Linux programs; sources in `elf/`. Ordered by subject, simple before demanding. */
export const ELF_CASES: readonly GuestCase[] = [
  // Start and end
  { name: 'hello', program: 'hello', about: 'one write, one exit', needs: [] },
  {
    name: 'args',
    program: 'args',
    about: 'arguments, environment and auxiliary vector',
    arguments: ['one', '', 'two words', 'ünïcode'],
    env: { PATH: '/bin', EMPTY: '', NAME: 'a=b' },
    needs: [],
  },
  { name: 'end-exit', program: 'end', about: 'exit(42)', arguments: ['exit', '42'], needs: [] },
  { name: 'end-exit-wraps', program: 'end', about: 'only eight bits of an exit status count', arguments: ['group', '259'], needs: [] },
  { name: 'end-return', program: 'end', about: 'main returns 3', arguments: ['return', '3'], needs: [] },
  { name: 'end-sigterm', program: 'end', about: 'killed by its own SIGTERM', arguments: ['signal', '15'], needs: ['signal'] },
  { name: 'end-sigchld', program: 'end', about: 'a signal whose default is to be ignored', arguments: ['signal', '17'], needs: ['signal'] },
  { name: 'end-segv', program: 'end', about: 'killed by a store to address 8', arguments: ['segv'], needs: [] },
  { name: 'end-illegal', program: 'end', about: 'killed by an illegal instruction', arguments: ['illegal'], needs: [] },
  { name: 'end-break', program: 'end', about: 'killed by ebreak', arguments: ['break'], needs: [] },

  // Files
  { name: 'file-io', program: 'file-io', about: 'open flags, read, write, lseek, append, holes', needs: ['file'] },
  { name: 'directory', program: 'directory', about: 'mkdir, rmdir, unlink, getdents64', needs: ['file'] },

  // Pipes and processes
  { name: 'pipe', program: 'pipe', about: 'order, end of file, EPIPE, SIGPIPE', needs: ['file', 'descriptor', 'signal', 'process'] },
  { name: 'pipe-stream', program: 'pipe-stream', about: 'a megabyte between two processes', needs: ['descriptor', 'process'] },
  { name: 'fork-wait', program: 'fork-wait', about: 'fork, exit statuses, wait4', needs: ['process', 'signal', 'descriptor'] },
  { name: 'calls', program: 'calls', about: 'recursion, large and dynamic frames, callbacks, in two processes', needs: ['process'] },
  { name: 'fork-memory', program: 'fork-memory', about: 'memory is separate, open files are shared', needs: ['process', 'file', 'memory'] },
  { name: 'exec', program: 'exec', about: 'what survives execve, and its errors', needs: ['process', 'file', 'descriptor', 'signal'] },

  // Signals
  { name: 'signal-handler', program: 'signal-handler', about: 'handlers, senders, dispositions, errors', needs: ['signal'] },
  {
    name: 'signal-context',
    program: 'signal-context',
    about: 'all registers survive a handler; a handler may change them',
    needs: ['signal'],
  },

  {
    name: 'signal-anywhere',
    program: 'signal-anywhere',
    about: 'a handler sees exact registers at whatever instruction it comes',
    needs: ['signal', 'process'],
  },

  // Threads
  { name: 'threads', program: 'threads', about: 'clone, thread pointers, join', needs: ['thread', 'process', 'file'] },
  { name: 'futex-mutex', program: 'futex-mutex', about: 'four threads under one lock', needs: ['thread', 'process'] },

  // Memory
  { name: 'mmap', program: 'mmap', about: 'anonymous mappings, MAP_FIXED, holes', needs: ['memory', 'signal'] },
  { name: 'mmap-reserve', program: 'mmap-reserve', about: 'PROT_NONE reservations, committed in pieces', needs: ['memory', 'signal'] },

  // Files
  { name: 'file-truncate', program: 'file-truncate', about: 'truncate, ftruncate, fallocate, fsync', needs: ['file', 'descriptor'] },
  { name: 'file-vector', program: 'file-vector', about: 'readv, writev, pread, pwrite and their limits', needs: ['file', 'descriptor'] },
  { name: 'rename', program: 'rename', about: 'rename of files and directories, renameat2 flags', needs: ['file'] },
  { name: 'links', program: 'links', about: 'hard and symbolic links', needs: ['file'] },
  { name: 'stat', program: 'stat', about: 'stat and statx fields of each kind of file, utimensat', needs: ['file', 'descriptor', 'time'] },
  { name: 'directory-fd', program: 'directory-fd', about: 'paths relative to descriptors, the working directory', needs: ['file'] },
  { name: 'path-errors', program: 'path-errors', about: 'long names, long paths, deep trees, chains of links', needs: ['file'] },
  { name: 'mode', program: 'mode', about: 'umask, chmod, chown, access', needs: ['file', 'process'] },
  { name: 'copy', program: 'copy', about: 'sendfile and copy_file_range', needs: ['file', 'descriptor'] },
  { name: 'flock', program: 'flock', about: 'flock between descriptions and processes', needs: ['file', 'process', 'time'] },
  { name: 'descriptors', program: 'descriptors', about: 'dup, dup3, fcntl, close_range', needs: ['file', 'descriptor'] },
  { name: 'devices', program: 'devices', about: '/dev/null, /dev/zero, /dev/full, /dev/urandom', needs: ['file', 'descriptor', 'memory'] },
  { name: 'proc-self', program: 'proc-self', about: '/proc/self and a little of /proc', needs: ['file', 'process'] },
  {
    name: 'tty-none',
    program: 'tty-none',
    about: 'what is not a terminal says so; FIONREAD, FIONBIO',
    needs: ['terminal', 'file', 'descriptor'],
  },

  // System
  { name: 'limits', program: 'limits', about: 'resource limits, RLIMIT_NOFILE in force', needs: ['process', 'file', 'descriptor'] },
  { name: 'identity', program: 'identity', about: 'ids, groups, sessions, names, system information', needs: ['process', 'system'] },
  { name: 'random', program: 'random', about: 'getrandom', needs: ['system'] },
  { name: 'unknown-calls', program: 'unknown-calls', about: 'calls that do not exist answer ENOSYS', needs: [] },
  {
    name: 'bad-pointers',
    program: 'bad-pointers',
    about: 'bad addresses give EFAULT, never a signal',
    needs: ['file', 'memory', 'descriptor', 'signal', 'process', 'poll', 'thread', 'time'],
  },

  // Pipes and processes
  { name: 'pipe-nonblock', program: 'pipe-nonblock', about: 'EAGAIN, capacity, PIPE_BUF, partial writes', needs: ['descriptor'] },
  { name: 'pipe-atomic', program: 'pipe-atomic', about: 'writes of up to PIPE_BUF bytes never mix', needs: ['descriptor', 'process'] },
  { name: 'fifo', program: 'fifo', about: 'named pipes: opening waits for the other end', needs: ['file', 'descriptor', 'process'] },
  { name: 'vfork', program: 'vfork', about: 'the parent waits until its child has executed or ended', needs: ['process'] },
  { name: 'exec-limits', program: 'exec-limits', about: 'many and long arguments', needs: ['process'] },
  { name: 'exec-script', program: 'exec-script', about: '#! scripts', needs: ['process', 'file'] },
  { name: 'wait-stop', program: 'wait-stop', about: 'stopping and continuing a child', needs: ['process', 'signal', 'descriptor'] },
  { name: 'waitid', program: 'waitid', about: 'waitid: siginfo, WNOWAIT, groups', needs: ['process', 'signal', 'descriptor'] },
  {
    name: 'process-group',
    program: 'process-group',
    about: 'signals to groups, waiting for groups',
    needs: ['process', 'signal', 'descriptor', 'time'],
  },
  { name: 'orphan', program: 'orphan', about: 'adoption by init and by a subreaper', needs: ['process', 'descriptor'] },

  // Signals
  { name: 'signal-mask', program: 'signal-mask', about: 'blocking, pending, sa_mask, SA_NODEFER', needs: ['signal', 'process'] },
  {
    name: 'signal-restart',
    program: 'signal-restart',
    about: 'which calls a handler interrupts',
    needs: ['signal', 'process', 'descriptor', 'time'],
  },
  {
    name: 'signal-stack',
    program: 'signal-stack',
    about: 'handlers on a stack of their own, stack overflow',
    needs: ['signal', 'process', 'memory'],
  },
  { name: 'signal-wait', program: 'signal-wait', about: 'sigsuspend, sigtimedwait, sigqueue', needs: ['signal', 'process', 'time'] },
  { name: 'signal-child', program: 'signal-child', about: 'SIGCHLD and its options', needs: ['signal', 'process'] },
  { name: 'signal-nested', program: 'signal-nested', about: 'handlers interrupted by handlers', needs: ['signal'] },
  { name: 'signal-default', program: 'signal-default', about: 'what each signal does by default', needs: ['signal', 'process'] },
  { name: 'signal-queue', program: 'signal-queue', about: 'real-time signals queue', needs: ['signal'] },

  // Threads
  { name: 'futex-wait', program: 'futex-wait', about: 'timeouts, wake counts, requeueing, bit sets', needs: ['thread', 'process', 'time'] },
  { name: 'futex-shared', program: 'futex-shared', about: 'a futex between two processes', needs: ['thread', 'process', 'memory'] },
  {
    name: 'thread-exit',
    program: 'thread-exit',
    about: 'exit and exit_group with threads',
    needs: ['thread', 'process', 'signal', 'time'],
  },
  {
    name: 'thread-signal',
    program: 'thread-signal',
    about: 'directed and process-wide signals with threads',
    needs: ['thread', 'process', 'signal', 'time'],
  },
  {
    name: 'thread-exec',
    program: 'thread-exec',
    about: 'execve from a thread that is not the leader',
    needs: ['thread', 'process', 'time'],
  },
  { name: 'thread-fork', program: 'thread-fork', about: 'fork in a program with threads', needs: ['thread', 'process', 'time'] },

  // Time
  { name: 'clocks', program: 'clocks', about: 'clocks move forward and agree', needs: ['time'] },
  { name: 'sleep', program: 'sleep', about: 'nanosleep and clock_nanosleep', needs: ['time', 'signal', 'process'] },
  {
    name: 'interval-timer',
    program: 'interval-timer',
    about: 'setitimer: alarms, once and repeated',
    needs: ['signal', 'time', 'process'],
  },
  { name: 'timer-descriptor', program: 'timer-descriptor', about: 'timerfd', needs: ['poll', 'time', 'descriptor'] },

  // Polling
  { name: 'poll', program: 'poll', about: 'ppoll on pipes and files', needs: ['poll', 'descriptor', 'file', 'process', 'time'] },
  {
    name: 'poll-signal',
    program: 'poll-signal',
    about: 'ppoll and pselect6 with a signal mask',
    needs: ['poll', 'signal', 'descriptor', 'time'],
  },
  { name: 'epoll', program: 'epoll', about: 'level-triggered epoll', needs: ['poll', 'descriptor', 'file', 'time'] },
  {
    name: 'epoll-edge',
    program: 'epoll-edge',
    about: 'edge-triggered and one-shot epoll',
    needs: ['poll', 'descriptor', 'process', 'time'],
  },
  { name: 'event-counter', program: 'event-counter', about: 'eventfd', needs: ['poll', 'descriptor', 'process', 'time'] },

  // Memory and faults
  { name: 'mmap-file', program: 'mmap-file', about: 'mapped files, private and shared', needs: ['memory', 'file', 'signal', 'process'] },
  { name: 'mprotect', program: 'mprotect', about: 'protections and the faults they give', needs: ['memory', 'signal'] },
  { name: 'mremap', program: 'mremap', about: 'shrink, grow, move', needs: ['memory', 'signal'] },
  { name: 'brk', program: 'brk', about: "the heap's end", needs: ['memory', 'signal', 'process'] },
  { name: 'code-write', program: 'code-write', about: 'code written at run time, fence.i', needs: ['memory', 'signal', 'process'] },
  { name: 'faults', program: 'faults', about: 'illegal instructions and other faults; what is none', needs: ['signal'] },
  { name: 'atomics', program: 'atomics', about: 'lr/sc and atomic memory operations', needs: [] },

  // Computing
  { name: 'compute-integer', program: 'compute-integer', about: 'sorting, matrices, CRC, 128-bit products', needs: [] },
  { name: 'compute-float', program: 'compute-float', about: 'rounding modes, special values, conversions, flags', needs: [] },
  { name: 'bit-instructions', program: 'bit-instructions', about: 'Zba, Zbb and Zbs', needs: [] },

  // Sockets
  {
    name: 'socket-pair',
    program: 'socket-pair',
    about: 'both ways, shutdown, datagrams, passing a descriptor',
    needs: ['socket', 'descriptor', 'file'],
  },
  {
    name: 'socket-unix',
    program: 'socket-unix',
    about: 'named UNIX sockets between processes',
    needs: ['socket', 'file', 'process', 'poll'],
  },
  { name: 'socket-tcp', program: 'socket-tcp', about: 'TCP over the loop-back', needs: ['socket', 'process', 'descriptor'] },

  // Pipelines
  { name: 'lines', program: 'lines', about: 'a producer of 200 lines', arguments: ['200'], needs: [] },
  {
    name: 'standard-input',
    program: 'standard-input',
    about: 'a pipe as standard input, read in odd pieces',
    stdin: 'some lines\nof text\n'.repeat(5000),
    needs: ['file', 'descriptor', 'poll'],
  },
  { name: 'upper', program: 'upper', about: 'a filter from standard input to standard output', stdin: 'abc XYZ\nünï\n', needs: ['file'] },
  { name: 'upper-empty', program: 'upper', about: 'a filter whose input is at its end', needs: ['file'] },
  {
    name: 'pipeline',
    program: 'pipeline',
    about: 'three programs connected by pipes',
    arguments: ['/guests/lines', '500', '--', '/guests/upper', '--', '/guests/upper'],
    needs: ['process', 'file', 'descriptor'],
  },
  {
    name: 'pipeline-status',
    program: 'pipeline',
    about: "the last program's status; the first one is killed by SIGPIPE",
    arguments: ['/guests/lines', '100000', '--', '/guests/end', 'exit', '17'],
    needs: ['process', 'file', 'descriptor', 'signal'],
  },
];
