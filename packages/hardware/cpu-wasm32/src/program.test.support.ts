/** Makes random valid modules, as text: nested blocks with parameters and results, branches of all kinds, calls with operands beneath. */

type Type = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';
const TYPES: readonly Type[] = ['i32', 'i64', 'f32', 'f64', 'v128'];
/** Vectors cannot cross to the host, and are rarer. */
const PLAIN_TYPES: readonly Type[] = ['i32', 'i64', 'f64', 'f32'];

interface Signature {
  readonly params: readonly Type[];
  readonly results: readonly Type[];
}

interface Label {
  readonly name: string;
  readonly types: readonly Type[];
}

/** mulberry32. */
function random(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const UNARY: Readonly<Record<Type, readonly string[]>> = {
  i32: ['i32.clz', 'i32.popcnt', 'i32.extend8_s', 'i32.eqz'],
  i64: ['i64.ctz', 'i64.extend32_s'],
  f32: ['f32.neg', 'f32.floor'],
  f64: ['f64.abs', 'f64.nearest'],
  v128: ['v128.not', 'i32x4.abs'],
};
const BINARY: Readonly<Record<Type, readonly string[]>> = {
  i32: ['i32.add', 'i32.sub', 'i32.mul', 'i32.xor', 'i32.shl', 'i32.rotr', 'i32.lt_s', 'i32.div_u'],
  i64: ['i64.add', 'i64.sub', 'i64.mul', 'i64.or', 'i64.shr_s'],
  f32: ['f32.add', 'f32.mul', 'f32.min'],
  f64: ['f64.add', 'f64.sub', 'f64.max'],
  v128: ['i32x4.add', 'v128.xor', 'i8x16.add_sat_u'],
};
const CONVERT: readonly (readonly [from: Type, to: Type, op: string])[] = [
  ['i32', 'i64', 'i64.extend_i32_s'],
  ['i64', 'i32', 'i32.wrap_i64'],
  ['i32', 'f64', 'f64.convert_i32_u'],
  ['f64', 'i64', 'i64.trunc_sat_f64_s'],
  ['i64', 'f64', 'f64.reinterpret_i64'],
  ['f32', 'i32', 'i32.reinterpret_f32'],
  ['i32', 'f32', 'f32.convert_i32_s'],
  ['i64', 'v128', 'i64x2.splat'],
  ['v128', 'i64', 'i64x2.extract_lane 1'],
  ['v128', 'i32', 'i8x16.bitmask'],
];

export const PROGRAM_IMPORTS: readonly Signature[] = [
  { params: ['i32'], results: ['i32'] },
  { params: ['i64', 'f64', 'i32'], results: ['i64'] },
  { params: ['f32'], results: ['f64', 'i32'] },
  { params: [], results: [] },
];

const list = (kind: string, types: readonly Type[]): string => (types.length > 0 ? ` (${kind} ${types.join(' ')})` : '');
const signature = ({ params, results }: Signature): string => list('param', params) + list('result', results);

class FunctionText {
  private readonly lines: string[] = [];
  private stack: Type[] = [];
  private readonly labels: Label[] = [];
  private names = 0;
  /** Operands beneath the innermost block, out of its reach. */
  private base = 0;
  private budget: number;
  private readonly locals: Type[];
  private readonly self: Signature;
  private readonly callable: readonly Signature[];
  private readonly chance: () => number;

  constructor(self: Signature, callable: readonly Signature[], chance: () => number, size: number) {
    this.self = self;
    this.callable = callable;
    this.chance = chance;
    this.budget = size;
    this.locals = [...self.params, ...TYPES, ...TYPES];
  }

  private below(limit: number): number {
    return Math.floor(this.chance() * limit);
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  private emit(line: string): void {
    this.lines.push(line);
  }

  private some(most: number): Type[] {
    return Array.from({ length: this.below(most + 1) }, () => this.pick(this.chance() < 0.15 ? TYPES : PLAIN_TYPES));
  }

  private push(type: Type): void {
    const locals = this.locals.flatMap((local, index) => (local === type ? [index] : []));
    if (this.chance() < 0.5) this.emit(`local.get ${this.pick(locals)}`);
    else if (type === 'v128') this.emit(`v128.const i32x4 ${this.below(9)} 2 3 ${this.below(99)}`);
    else if (type === 'f32' || type === 'f64') this.emit(`${type}.const ${this.below(1000) / 8}`);
    else this.emit(`${type}.const ${this.below(4) === 0 ? this.below(2 ** 31) - 2 ** 30 : this.below(20)}`);
    this.stack.push(type);
  }

  /** Makes the top of the stack have these types. */
  private need(types: readonly Type[]): void {
    const top = this.stack.slice(this.stack.length - types.length);
    if (this.stack.length - this.base < types.length || top.some((type, at) => type !== types[at]))
      for (const type of types) this.push(type);
  }

  private pop(count = 1): void {
    this.stack.length -= count;
  }

  text(name: string): string {
    this.labels.push({ name: 'function', types: this.self.results });
    this.emit('global.get $ticks i32.const 1 i32.sub global.set $ticks');
    this.emit(`global.get $ticks i32.const 0 i32.lt_s if ${this.zeroes()} return end`);
    this.sequence(0, this.self.results);
    const locals = this.locals.slice(this.self.params.length);
    return `(func ${name}${signature(this.self)} (local ${locals.join(' ')})\n  ${this.lines.join('\n  ')})`;
  }

  private zeroes(): string {
    return this.self.results.map((type) => (type === 'v128' ? 'v128.const i64x2 0 0' : `${type}.const 0`)).join(' ');
  }

  /** Instructions that leave exactly `results` above `base`. */
  private sequence(depth: number, results: readonly Type[], base = this.stack.length): void {
    const outer = this.base;
    this.base = base;
    this.fill(depth, results, base);
    this.base = outer;
  }

  private fill(depth: number, results: readonly Type[], base: number): void {
    const steps = 2 + this.below(8);
    for (let step = 0; step < steps && this.budget > 0; step++) {
      this.budget--;
      if (!this.step(depth, base)) break;
    }
    const height = base + results.length;
    const fits = this.stack.length === height && results.every((type, at) => this.stack[base + at] === type);
    if (fits) return;
    while (this.stack.length > base) this.discard();
    for (const type of results) this.push(type);
  }

  private discard(): void {
    const type = this.stack.pop()!;
    const at = this.locals.lastIndexOf(type);
    this.emit(this.chance() < 0.5 ? 'drop' : `local.set ${at}`);
  }

  /** Returns false when nothing behind can be reached. */
  private step(depth: number, base: number): boolean {
    const kind = this.below(depth > 5 ? 12 : 19);
    if (kind < 3) this.push(this.pick(PLAIN_TYPES));
    else if (kind < 6) this.arithmetic(base);
    else if (kind < 8) this.call();
    else if (kind === 8) this.memory();
    else if (kind === 9) this.branchIf();
    else if (kind === 10 && this.chance() < 0.4) return this.leave(base);
    else if (kind === 11) this.select();
    else if (kind < 15) this.block(depth, base);
    else if (kind < 17) this.if(depth, base);
    else if (kind < 19) this.loop(depth, base);
    return true;
  }

  private arithmetic(base: number): void {
    const type = this.stack.length > base ? this.stack.at(-1)! : this.pick(PLAIN_TYPES);
    const convert = CONVERT.filter(([from]) => from === type);
    if (this.chance() < 0.3 && convert.length > 0) {
      this.need([type]);
      const [, to, op] = this.pick(convert);
      this.emit(op);
      this.pop();
      this.stack.push(to);
    } else if (this.chance() < 0.3) {
      this.need([type]);
      this.emit(this.pick(UNARY[type]));
    } else {
      this.push(type);
      if (this.stack.length < base + 2 || this.stack.at(-2) !== type) this.push(type);
      const op = this.pick(BINARY[type]);
      if (op === 'i32.div_u') this.emit('i32.const 1 i32.or');
      this.emit(op);
      this.pop();
    }
  }

  private call(): void {
    const index = this.below(this.callable.length);
    const target = this.callable[index]!;
    this.need(target.params);
    if (this.chance() < 0.3 && index >= PROGRAM_IMPORTS.length) {
      this.emit(`i32.const ${index - PROGRAM_IMPORTS.length} call_indirect${signature(target)}`);
    } else this.emit(`call ${index}`);
    this.pop(target.params.length);
    this.stack.push(...target.results);
  }

  private memory(): void {
    const kind = this.below(8);
    if (kind < 3) {
      this.need(['i32', 'i64']);
      this.emit(
        'local.set $keep i32.const 0xfff8 i32.and local.get $keep i64.store'.replaceAll('$keep', String(this.locals.lastIndexOf('i64'))),
      );
      this.pop(2);
    } else if (kind < 6) {
      this.need(['i32']);
      this.emit('i32.const 0xfff8 i32.and f64.load');
      this.pop();
      this.stack.push('f64');
    } else if (kind === 6) {
      this.emit('i32.const 1 memory.grow');
      this.stack.push('i32');
    } else {
      this.need(['i32']);
      this.emit(`i32.const 0x3fff i32.and local.set ${this.locals.lastIndexOf('i32')}`);
      this.emit(`i32.const 64 i32.const 7 local.get ${this.locals.lastIndexOf('i32')} ${this.pick(['memory.fill', 'memory.copy'])}`);
      this.pop();
    }
  }

  private select(): void {
    const type = this.pick(PLAIN_TYPES);
    this.need([type, type, 'i32']);
    this.emit('select');
    this.pop(2);
  }

  private branchIf(): void {
    const label = this.pick(this.labels);
    this.need([...label.types, 'i32']);
    this.emit(`i32.const 3 i32.and i32.eqz br_if ${this.depthOf(label)}`);
    this.pop();
  }

  private depthOf(label: Label): number {
    return this.labels.length - 1 - this.labels.indexOf(label);
  }

  private leave(base: number): boolean {
    const kind = this.below(4);
    if (kind === 0) {
      this.need(this.self.results);
      this.emit('return');
    } else if (kind === 1) {
      const label = this.pick(this.labels);
      this.need(label.types);
      this.emit(`br ${this.depthOf(label)}`);
    } else if (kind === 2) {
      const first = this.pick(this.labels);
      const alike = this.labels.filter((label) => label.types.join() === first.types.join());
      this.need([...first.types, 'i32']);
      this.emit(`i32.const 3 i32.and br_table ${[0, 0, 0].map(() => this.depthOf(this.pick(alike))).join(' ')}`);
    } else {
      const target = this.callable.findIndex((each) => each.results.join() === this.self.results.join());
      if (target < 0) return true;
      this.need(this.callable[target]!.params);
      this.emit(`return_call ${target}`);
    }
    this.stack.length = base;
    return false;
  }

  private blockTypes(base: number): Signature {
    const above = this.stack.length - base;
    const params = this.chance() < 0.3 && above > 0 ? this.stack.slice(this.stack.length - 1 - this.below(Math.min(above, 2))) : [];
    return { params, results: this.some(2) };
  }

  private enter(types: Signature, label: readonly Type[]): number {
    this.labels.push({ name: `l${this.names++}`, types: label });
    return this.stack.length - types.params.length;
  }

  private exit(types: Signature, base: number): void {
    this.labels.pop();
    this.emit('end');
    this.stack.length = base;
    this.stack.push(...types.results);
  }

  private block(depth: number, base: number): void {
    const types = this.blockTypes(base);
    this.emit(`block${signature(types)}`);
    const inner = this.enter(types, types.results);
    this.sequence(depth + 1, types.results, inner);
    this.exit(types, inner);
  }

  private if(depth: number, base: number): void {
    const types = this.blockTypes(base);
    const without = types.params.join() === types.results.join() && this.chance() < 0.7;
    this.push('i32');
    this.emit(`i32.const 1 i32.and if${signature(types)}`);
    this.pop();
    const inner = this.enter(types, types.results);
    this.sequence(depth + 1, types.results, inner);
    if (!without) {
      this.emit('else');
      this.stack.length = inner;
      this.stack.push(...types.params);
      this.sequence(depth + 1, types.results, inner);
    }
    this.exit(types, inner);
  }

  private loop(depth: number, base: number): void {
    const types = this.blockTypes(base);
    this.emit(`loop${signature(types)}`);
    const inner = this.enter(types, types.params);
    this.emit('global.get $ticks i32.const 1 i32.sub global.set $ticks');
    this.emit(`global.get $ticks i32.const 0 i32.lt_s if ${this.zeroes()} return end`);
    this.sequence(depth + 1, types.results, inner);
    this.exit(types, inner);
  }
}

/** The text of a module that ends after a bounded number of loop rounds and calls. */
export function randomProgram(seed: number): string {
  const chance = random(seed);
  const below = (limit: number): number => Math.floor(chance() * limit);
  const some = (most: number): Type[] => Array.from({ length: below(most + 1) }, () => PLAIN_TYPES[below(4)]!);
  const functions = Array.from({ length: 2 + below(3) }, (): Signature => ({ params: some(3), results: some(2) }));
  const callable = [...PROGRAM_IMPORTS, ...functions];
  const bodies = functions.map((self, index) => new FunctionText(self, callable, chance, 10 + below(90)).text(`$f${index}`));
  const first = functions[0]!;
  const calls = first.params.map((type) => `${type}.const ${below(50)}`).join(' ');
  return `(module
${PROGRAM_IMPORTS.map((each, index) => `(import "env" "m${index}" (func${signature(each)}))`).join('\n')}
(memory (export "memory") 1 20)
(table ${functions.length} funcref)
(global $ticks (mut i32) (i32.const ${20 + below(300)}))
(elem (i32.const 0) ${functions.map((_, index) => `$f${index}`).join(' ')})
(data (i32.const 100) "some data")
${bodies.join('\n')}
(func (export "_start") ${calls} call $f0 ${first.results.map(() => 'drop').join(' ')}))`;
}
