import { Errno } from '@ashlar/hardware';
import { OpenFlag } from '@ashlar/kernel-stub';
import { type WasiFunction, wasiFd } from './call.ts';
import { FdFlag } from './layout.ts';

/** `riflags` and Linux's MSG_* for them. */
const RECV_PEEK = 1;
const RECV_WAITALL = 2;
const MSG_PEEK = 2;
const MSG_WAITALL = 0x100;
/** MSG_TRUNC, and `roflags` for it. */
const MSG_TRUNC = 0x20;
const RECV_DATA_TRUNCATED = 1;
/** `sdflags` RD 1, WR 2 → SHUT_RD 0, SHUT_WR 1, SHUT_RDWR 2. */
const SHUT = [-1, 0, 1, 2] as const;
const NOBODY = new Uint8Array(0);

/** Sockets can only be inherited: preview 1 has no way to make one. */
export const sock_accept: WasiFunction = (call) => {
  const at = call.u32(2);
  if (!call.canWrite(at, 4)) return -Errno.EFAULT;
  const accepted = call.system.accept(call.task, call.fd(0), call.u32(1) & FdFlag.NONBLOCK ? OpenFlag.NONBLOCK : 0);
  return typeof accepted === 'number' && accepted >= 0 ? call.store32(at, wasiFd(accepted)) : accepted;
};

export const sock_recv: WasiFunction = (call) => {
  const [flags, countAt, flagsAt] = [call.u32(3), call.u32(4), call.u32(5)];
  if (!call.canWrite(countAt, 4) || !call.canWrite(flagsAt, 2)) return -Errno.EFAULT;
  const ready = call.vectors(1);
  if (ready !== 0) return ready;
  const wanted = (flags & RECV_PEEK ? MSG_PEEK : 0) | (flags & RECV_WAITALL ? MSG_WAITALL : 0);
  const received = call.system.receive(call.task, call.fd(0), call.vector, wanted);
  if (typeof received !== 'number' || received < 0) return received;
  call.view.setUint16(0, call.task.values[1]! & MSG_TRUNC ? RECV_DATA_TRUNCATED : 0, true);
  const reply = call.store(flagsAt, 2);
  return reply === 0 ? call.store32(countAt, received) : reply;
};

export const sock_send: WasiFunction = (call) => {
  const countAt = call.u32(4);
  if (call.u32(3) !== 0) return -Errno.EINVAL;
  if (!call.canWrite(countAt, 4)) return -Errno.EFAULT;
  const ready = call.vectors(1);
  if (ready !== 0) return ready;
  const sent = call.system.send(call.task, call.fd(0), call.vector, 0, NOBODY);
  return typeof sent === 'number' && sent >= 0 ? call.store32(countAt, sent) : sent;
};

export const sock_shutdown: WasiFunction = (call) => {
  const how = SHUT[call.u32(1)] ?? -1;
  return how < 0 ? -Errno.EINVAL : call.system.shutdown(call.task, call.fd(0), how);
};
