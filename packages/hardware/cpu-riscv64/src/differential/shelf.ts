import type { CodeName, CodeStore, KeptCode } from '@ashlar/hardware';

/** A store in memory. Each process opens it, and when it ends, what it kept is there for those that open it afterwards. */
export class Shelf {
  readonly values = new Map<CodeName, unknown>();

  open(): CodeStore & { end(): void } {
    const kept = new Map<CodeName, () => KeptCode | undefined>();
    return {
      keeps: true,
      load: (name) => structuredClone(this.values.get(name)),
      keep: (name, value) => void kept.set(name, value),
      end: () => {
        for (const [name, give] of kept) {
          const kept = give();
          if (kept !== undefined) this.values.set(name, structuredClone(kept.value));
        }
      },
    };
  }
}
