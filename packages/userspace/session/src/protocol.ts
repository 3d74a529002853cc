/**
 * The frames of the `session` service: MessagePack arrays `[operation, …]`, one per channel frame. The client names requests by an id and
 * processes by their pid; the server answers each request once with {@link Operation.REPLY}.
 *
 * | client → server                                             | server → client                                        |
 * |-------------------------------------------------------------|--------------------------------------------------------|
 * | HELLO version                                               | WELCOME version                                        |
 * | RUN id, argv, env (pairs), cwd, tty, columns, rows          | REPLY id, result (≥ 0, or a negated errno), value      |
 * | ATTACH id, pid · PROCESSES id                               | OUTPUT pid, fd, bytes (none: the end)                  |
 * | SIGNAL id, pid, signal · RESIZE id, pid, columns, rows      | INPUT_CREDIT pid, bytes                                |
 * | INPUT pid, bytes (none: the end)                            | INPUT_CLOSED pid, errno                                |
 * | OUTPUT_CREDIT pid, fd, bytes · OUTPUT_CLOSE pid, fd         | EXIT pid, code, signal, refused operation or ''        |
 * | OPEN id, path, flags, mode · READ id, handle, at, bytes     |                                                        |
 * | WRITE id, handle, at, bytes · CLOSE id, handle              |                                                        |
 * | LIST id, path, skip · STAT id, path                         |                                                        |
 * | MKDIR id, path, mode · REMOVE id, path                      |                                                        |
 *
 * Neither side sends stream bytes for which it has no credit, nor more requests than {@link SESSION_LIMITS} allows; one that does is hung up on.
 */
export const SESSION_PROTOCOL = 2;

export const Operation = {
  HELLO: 1,
  WELCOME: 2,
  REPLY: 3,
  RUN: 4,
  ATTACH: 5,
  PROCESSES: 6,
  SIGNAL: 7,
  RESIZE: 8,
  INPUT: 9,
  INPUT_CREDIT: 10,
  INPUT_CLOSED: 11,
  OUTPUT: 12,
  OUTPUT_CREDIT: 13,
  EXIT: 14,
  OPEN: 15,
  READ: 16,
  WRITE: 17,
  CLOSE: 18,
  LIST: 19,
  STAT: 20,
  MKDIR: 21,
  REMOVE: 22,
  OUTPUT_CLOSE: 23,
} as const;

export const SESSION_LIMITS = {
  /** Requests without an answer yet. */
  requests: 256,
  /** Bytes of stdin that the server takes before the process has read them. */
  inputBytes: 256 << 10,
  /** Bytes of one output that a client lets come before it was read. */
  outputBytes: 256 << 10,
  /** Stream or file bytes in one frame. */
  chunkBytes: 64 << 10,
  /** File bytes of one READ or WRITE. */
  fileBytes: 256 << 10,
  pathBytes: 4096,
  /** Name of an operation of System. */
  operationBytes: 64,
  /** Strings of argv, and of env. */
  strings: 65_536,
  /** Frames that came in and wait for the next step. */
  queuedFrames: 4096,
  queuedBytes: 8 << 20,
  /** Processes of one payload that sessions know of. */
  processes: 1024,
} as const;
