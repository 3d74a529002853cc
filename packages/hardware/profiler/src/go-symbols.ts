import type { FunctionSymbol } from './function-symbol.ts';

// Go's line table from Go 1.18 on (src/internal/abi/symtab.go and src/debug/gosym/pclntab.go): programs keep it when they are stripped.
const MAGICS = new Set([0xffff_fff0, 0xffff_fff1]);
const HEADER_BYTES = 72;
const FUNCTIONS_MAX = 1 << 20;
const NAME_BYTES_MAX = 512;

/** The functions of a Go program by its `.gopclntab`; none if it is of a form that is not known. `text`: where its code begins. */
export function goFunctions(table: Uint8Array, text: number): FunctionSymbol[] {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  if (table.length < HEADER_BYTES || !MAGICS.has(view.getUint32(0, true)) || table[7] !== 8) return [];
  const field = (index: number): number => view.getUint32(8 + index * 8, true) + view.getUint32(12 + index * 8, true) * 2 ** 32;
  const [count, start, names, entries] = [field(0), field(2) || text, field(3), field(7)];
  if (count > FUNCTIONS_MAX || entries + count * 8 + 4 > table.length) return [];
  const functions: FunctionSymbol[] = [];
  for (let i = 0; i < count; i++) {
    const record = entries + view.getUint32(entries + i * 8 + 4, true);
    if (record + 8 > table.length) return [];
    functions.push({
      name: nameAt(table, names + view.getInt32(record + 4, true)),
      start: start + view.getUint32(entries + i * 8, true),
      end: start + view.getUint32(entries + i * 8 + 8, true),
    });
  }
  return functions;
}

function nameAt(table: Uint8Array, at: number): string {
  if (!(at >= 0 && at < table.length)) return '?';
  const end = table.indexOf(0, at);
  return new TextDecoder().decode(table.subarray(at, Math.min(end < 0 ? table.length : end, at + NAME_BYTES_MAX)));
}
