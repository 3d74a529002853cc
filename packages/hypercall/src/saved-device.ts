import { Errno, type PartReader, type PartWriter, type Reply } from '@ashlar/hardware';
import { copyPart, PartBuilder, PartError, readPart } from '@ashlar/machine-image';

/** A saved device as bytes, and back. */
export function partToBytes(part: PartReader): Uint8Array {
  const out = new PartBuilder();
  copyPart(part, out);
  return out.toBytes();
}

/** 0, or -EPROTO if the far end's bytes are no part. */
export function partFromBytes(bytes: Uint8Array, out: PartWriter): Reply {
  try {
    copyPart(readPart(bytes), out);
    return 0;
  } catch (error) {
    if (error instanceof PartError) return -Errno.EPROTO;
    throw error;
  }
}
