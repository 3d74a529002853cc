import { hostCodeOf, withHostCode } from '../host-code.ts';
import { idleInstance } from '../idle-instance.ts';
import { compileFusing, underOurFlags } from './fusing.ts';
import type { Shape } from './shape.ts';

/** A module and its shapes as they are kept from one process to the next. */
export interface KeptModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** See {@link hostCodeOf}. */
  readonly code: ArrayBuffer | undefined;
  readonly shapes: readonly Shape[];
}

/** A compiled module and the regions in it, in the order of its functions in the table. */
export class Shared {
  readonly shapes: readonly Shape[];
  readonly #bytes: Uint8Array<ArrayBuffer> | undefined;
  #code: ArrayBuffer | undefined;
  #module: WebAssembly.Module | undefined;
  /** Numbers of regions by page of the code that they are right for. */
  #byPage: Map<number, number[]> | undefined;

  /** `module`: undefined if it is to be made when it is first wanted. `bytes`: undefined if no other process will want them. */
  constructor(shapes: readonly Shape[], module: WebAssembly.Module | undefined, bytes?: Uint8Array<ArrayBuffer>, code?: ArrayBuffer) {
    this.shapes = shapes;
    this.#module = module;
    this.#bytes = bytes;
    this.#code = code;
  }

  /** Undefined if the host has no room for another module. */
  get module(): WebAssembly.Module | undefined {
    if (this.#module === undefined && this.#bytes !== undefined) {
      this.#module = moduleFrom(this.#bytes, this.#code);
      this.#code = undefined;
    }
    return this.#module;
  }

  /** Numbers of the regions that have code on a page. */
  regionsOn(page: number): readonly number[] {
    this.#byPage ??= numbersByPage(this.shapes);
    return this.#byPage.get(page) ?? NOTHING;
  }

  /** Guest instructions in regions that no other has replaced. */
  get liveInstructions(): number {
    return this.shapes.reduce((sum, { superseded, instructions }) => sum + (superseded ? 0 : instructions), 0);
  }

  /** Undefined if there is nothing worth keeping: most of it was replaced. */
  kept(): KeptModule | undefined {
    const [bytes, module] = [this.#bytes, this.#module];
    const all = this.shapes.reduce((sum, { instructions }) => sum + instructions, 0);
    if (bytes === undefined || this.liveInstructions < all / LIVE_PART) return undefined;
    return {
      bytes,
      code: module === undefined ? this.#code : hostCodeOf(module, underOurFlags, () => functionsOf(module, this.shapes.length)),
      shapes: this.shapes,
    };
  }
}

const NOTHING: readonly number[] = [];

function numbersByPage(shapes: readonly Shape[]): Map<number, number[]> {
  const byPage = new Map<number, number[]>();
  for (const [number, { pages }] of shapes.entries()) {
    for (const page of pages) {
      const numbers = byPage.get(page);
      if (numbers === undefined) byPage.set(page, [number]);
      else numbers.push(number);
    }
  }
  return byPage;
}

/** A module is kept for other processes as long as this part of its instructions is in regions that no other has replaced. */
const LIVE_PART = 8;
/**
 * A module from its bytes and its machine code, if there is any. Undefined if the host is out of address space or mappings; bytes that are not valid are a
 * mistake of ours and are thrown.
 */
export function moduleFrom(bytes: Uint8Array<ArrayBuffer>, code?: ArrayBuffer): WebAssembly.Module | undefined {
  try {
    return (code && withHostCode(bytes, code, underOurFlags)) ?? compileFusing(bytes);
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) throw error;
    return undefined;
  }
}

/** The functions that a module puts into its table. */
function* functionsOf(module: WebAssembly.Module, count: number): Generator<unknown> {
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: count });
  idleInstance(module, table);
  for (let i = 0; i < count; i++) yield table.get(i);
}
