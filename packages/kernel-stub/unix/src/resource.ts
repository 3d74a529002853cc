import { SYSTEM_LIMITS } from '@ashlar/kernel-stub';

/** RLIMIT_* of getrlimit(2), with the numbers of Linux's generic ABI. */
export const Resource = {
  CPU: 0,
  FSIZE: 1,
  DATA: 2,
  STACK: 3,
  CORE: 4,
  RSS: 5,
  NPROC: 6,
  NOFILE: 7,
  MEMLOCK: 8,
  AS: 9,
  LOCKS: 10,
  SIGPENDING: 11,
  MSGQUEUE: 12,
  NICE: 13,
  RTPRIO: 14,
  RTTIME: 15,
} as const;
export const RESOURCES = 16;

/** Limits of the first process: [soft, hard] by resource. */
export function initialLimits(): Float64Array {
  const limits = new Float64Array(RESOURCES * 2).fill(Number.POSITIVE_INFINITY);
  const set = (resource: number, soft: number, hard: number): void => {
    limits[resource * 2] = soft;
    limits[resource * 2 + 1] = hard;
  };
  set(Resource.STACK, 8 << 20, Number.POSITIVE_INFINITY);
  set(Resource.CORE, 0, Number.POSITIVE_INFINITY);
  set(Resource.NOFILE, 1024, SYSTEM_LIMITS.descriptors);
  set(Resource.NPROC, SYSTEM_LIMITS.tasks, SYSTEM_LIMITS.tasks);
  set(Resource.MEMLOCK, 8 << 20, 8 << 20);
  set(Resource.SIGPENDING, 1024, 1024);
  set(Resource.MSGQUEUE, 819200, 819200);
  set(Resource.NICE, 0, 0);
  set(Resource.RTPRIO, 0, 0);
  return limits;
}
