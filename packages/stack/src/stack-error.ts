/**
 * An error of Ashlar's own, told in the stack's words: what is wrong, and what to do about it. Everything that a user's input can cause is
 * one of these; any other error is a bug.
 */
export class StackError extends Error {
  override readonly name = 'StackError';
  /** What to do, in one line; may be empty. */
  readonly hint: string;
  constructor(message: string, hint = '', options?: ErrorOptions) {
    super(message, options);
    this.hint = hint;
  }
}
