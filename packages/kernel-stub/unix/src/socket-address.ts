import { Errno, type Result } from '@ashlar/hardware';

/** Address and protocol families of socket(2), and types. */
export const Family = { UNIX: 1, INET: 2, INET6: 10 } as const;
export const SocketType = { STREAM: 1, DATAGRAM: 2, SEQPACKET: 5, MASK: 0xf } as const;

const INET_BYTES = 16;
const INET6_BYTES = 28;
/** sizeof(sa_family_t), and of sun_path. */
const FAMILY_BYTES = 2;
const UNIX_PATH_BYTES = 108;

/** An address as the kernel keeps it. `name` of a UNIX address is undefined where it has none; abstract names begin with NUL. */
export type Address =
  | { readonly family: 1; readonly name: Uint8Array | undefined }
  | { readonly family: 2 | 10; readonly host: readonly [number, number, number, number]; readonly port: number };

export type InetAddress = Extract<Address, { readonly port: number }>;

export const ANY_HOST = [0, 0, 0, 0] as const;
export const LOOPBACK_HOST = [127, 0, 0, 1] as const;

/** Reads sockaddr bytes. -EINVAL if too short, -EAFNOSUPPORT for another family than the socket's. */
export function parseAddress(bytes: Uint8Array, family: number): Address | Result {
  if (bytes.length < FAMILY_BYTES) return -Errno.EINVAL;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const actual = view.getUint16(0, true);
  if (actual !== family) return family === Family.UNIX ? -Errno.EINVAL : -Errno.EAFNOSUPPORT;
  if (actual === Family.UNIX) return { family: 1, name: unixName(bytes) };
  if (actual === Family.INET) {
    if (bytes.length < INET_BYTES) return -Errno.EINVAL;
    return { family: 2, host: quad(bytes, 4), port: view.getUint16(2, false) };
  }
  if (bytes.length < INET6_BYTES - 4) return -Errno.EINVAL;
  const host = inet6Host(bytes.subarray(8, 24));
  return host === undefined ? -Errno.EADDRNOTAVAIL : { family: 10, host, port: view.getUint16(2, false) };
}

/** As sockaddr bytes. */
export function formatAddress(address: Address): Uint8Array {
  if (address.family === Family.UNIX) {
    const name = address.name;
    if (name === undefined) return Uint8Array.of(Family.UNIX, 0);
    const bytes = new Uint8Array(FAMILY_BYTES + name.length + (name[0] === 0 ? 0 : 1));
    bytes[0] = Family.UNIX;
    bytes.set(name, FAMILY_BYTES);
    return bytes;
  }
  const bytes = new Uint8Array(address.family === Family.INET ? INET_BYTES : INET6_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, address.family, true);
  view.setUint16(2, address.port, false);
  if (address.family === Family.INET) bytes.set(address.host, 4);
  else writeInet6(bytes, address.host);
  return bytes;
}

export const isAny = (address: InetAddress): boolean => address.host.every((byte) => byte === 0);
/** 127.0.0.0/8, and the unspecified address, which means this host when one connects to it. */
export const isLocal = (address: InetAddress): boolean => address.host[0] === 127 || isAny(address);

function unixName(bytes: Uint8Array): Uint8Array | undefined {
  const name = bytes.subarray(FAMILY_BYTES, FAMILY_BYTES + UNIX_PATH_BYTES);
  if (name.length === 0) return undefined;
  if (name[0] === 0) return name.slice();
  const end = name.indexOf(0);
  return name.slice(0, end < 0 ? name.length : end);
}

function quad(bytes: Uint8Array, at: number): [number, number, number, number] {
  return [bytes[at] as number, bytes[at + 1] as number, bytes[at + 2] as number, bytes[at + 3] as number];
}

/** `::`, `::1` and IPv4-mapped addresses are known; no other IPv6 address leads anywhere. */
function inet6Host(bytes: Uint8Array): [number, number, number, number] | undefined {
  const zeros = bytes.subarray(0, 10).every((byte) => byte === 0);
  if (zeros && bytes[10] === 0xff && bytes[11] === 0xff) return quad(bytes, 12);
  if (!zeros || !bytes.subarray(10, 15).every((byte) => byte === 0)) return undefined;
  return bytes[15] === 0 ? [0, 0, 0, 0] : bytes[15] === 1 ? [127, 0, 0, 1] : undefined;
}

function writeInet6(bytes: Uint8Array, host: readonly number[]): void {
  if (host.every((byte) => byte === 0)) return;
  if (host[0] === 127 && host[3] === 1) {
    bytes[23] = 1;
    return;
  }
  bytes[18] = 0xff;
  bytes[19] = 0xff;
  bytes.set(host, 20);
}
