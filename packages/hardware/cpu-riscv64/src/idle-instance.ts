import { BASE_WASM_PAGES } from './layout.ts';

let memory: WebAssembly.Memory | undefined;

/**
 * An instance of one of our modules that is never run, over a memory that no guest has. What the host has optimised is the same for all instances of a
 * module; to ask it of one that is run would hold on to a guest's memory for as long as it may be asked.
 *
 * @param table takes the functions that the module puts into its table, if it does
 */
export function idleInstance(module: WebAssembly.Module, table?: WebAssembly.Table): WebAssembly.Instance {
  memory ??= new WebAssembly.Memory({ initial: BASE_WASM_PAGES, maximum: 65536 });
  const env: Record<string, WebAssembly.ImportValue> = {};
  for (const { name, kind } of WebAssembly.Module.imports(module)) {
    if (kind === 'table') env[name] = table ?? new WebAssembly.Table({ element: 'anyfunc', initial: 0 });
    else env[name] = kind === 'memory' ? memory : kind === 'global' ? 0 : () => 0;
  }
  return new WebAssembly.Instance(module, { env });
}
