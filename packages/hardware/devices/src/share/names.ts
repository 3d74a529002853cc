import { Errno, NAME_BYTES_MAX, type Result } from '@ashlar/hardware';

const DOT = 0x2e;
const SLASH = 0x2f;

/** 0, or why the bytes are not a single name: -ENAMETOOLONG, -EINVAL. */
export function checkName(name: Uint8Array): Result {
  const length = name.length;
  if (length > NAME_BYTES_MAX) return -Errno.ENAMETOOLONG;
  if (length === 0) return -Errno.EINVAL;
  if (name[0] === DOT && (length === 1 || (length === 2 && name[1] === DOT))) return -Errno.EINVAL;
  for (let i = 0; i < length; i++) if (name[i] === SLASH || name[i] === 0) return -Errno.EINVAL;
  return 0;
}

/** Bytes as a string of the same length, a character for each byte: a key that any bytes can be. */
export function keyOf(name: Uint8Array): string {
  let key = '';
  for (let i = 0; i < name.length; i++) key += String.fromCharCode(name[i]!);
  return key;
}

/** The bytes of a {@link keyOf}. */
export function bytesOf(key: string): Uint8Array {
  const bytes = new Uint8Array(key.length);
  for (let i = 0; i < key.length; i++) bytes[i] = key.charCodeAt(i);
  return bytes;
}
