/**
 * A 32-bit digest of bytes, word by word. Each step is a bijection of the state, so any change within a single word is always seen; meant against
 * damage, not against forgery. Fast enough to run over every page of a machine.
 */
export function digest(bytes: Uint8Array): number {
  const words = bytes.length >> 2;
  let state = 0x811c9dc5 ^ bytes.length;
  if ((bytes.byteOffset & 3) === 0) {
    const view = new Int32Array(bytes.buffer, bytes.byteOffset, words);
    for (let i = 0; i < words; i++) state = mix(state, view[i] as number);
  } else {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let i = 0; i < words; i++) state = mix(state, view.getInt32(i << 2, true));
  }
  for (let i = words << 2; i < bytes.length; i++) state = mix(state, bytes[i] as number);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  return (state ^ (state >>> 13)) >>> 0;
}

function mix(state: number, word: number): number {
  const next = Math.imul(state ^ word, 0x01000193);
  return (next << 13) | (next >>> 19);
}
