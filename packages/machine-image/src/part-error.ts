/** A saved part cannot be written or read: the message names the part, the key and what is wrong. */
export class PartError extends Error {
  override readonly name = 'PartError';
}
