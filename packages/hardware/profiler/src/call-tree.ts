import type { CpuProfile, ProfileNode } from './cpu-profile.ts';

/** Most nodes of the tree: what is called beyond is counted for its caller. */
const NODES_MAX = 1 << 17;
/** Most samples kept; then every second one is merged into the one after it. */
const SAMPLES_MAX = 1 << 20;

/** A function in the place it is called from. */
export class CallNode {
  readonly id: number;
  readonly name: string;
  readonly url: string;
  readonly children = new Map<string, CallNode>();
  hits = 0;

  constructor(id: number, name: string, url: string) {
    this.id = id;
    this.name = name;
    this.url = url;
  }
}

/** Samples and the tree of calls that they were taken in. */
export class CallTree {
  readonly root = new CallNode(1, '(root)', '');
  readonly #nodes: CallNode[] = [this.root];
  #samples: CallNode[] = [];
  #nanoseconds: number[] = [];

  /** The function called from `parent`, noted at its first call. */
  child(parent: CallNode, name: string, url: string): CallNode {
    const key = `${name}\0${url}`;
    const known = parent.children.get(key);
    if (known !== undefined) return known;
    if (this.#nodes.length >= NODES_MAX) return parent;
    const made = new CallNode(this.#nodes.length + 1, name, url);
    this.#nodes.push(made);
    parent.children.set(key, made);
    return made;
  }

  /** Gives true when samples are to be taken half as often from now on. */
  add(node: CallNode, nanoseconds: number): boolean {
    node.hits++;
    this.#samples.push(node);
    this.#nanoseconds.push(nanoseconds);
    if (this.#samples.length < SAMPLES_MAX) return false;
    this.#thin();
    return true;
  }

  toProfile(): CpuProfile {
    const nodes: ProfileNode[] = this.#nodes.map(({ id, name, url, hits, children }) => ({
      id,
      callFrame: { functionName: name, scriptId: '0', url, lineNumber: -1, columnNumber: -1 },
      hitCount: hits,
      children: [...children.values()].map((child) => child.id),
    }));
    const timeDeltas: number[] = [];
    let passed = 0;
    let told = 0;
    for (const each of this.#nanoseconds) {
      passed += each;
      const microseconds = Math.floor(passed / 1000);
      timeDeltas.push(microseconds - told);
      told = microseconds;
    }
    return { nodes, startTime: 0, endTime: told, samples: this.#samples.map(({ id }) => id), timeDeltas };
  }

  #thin(): void {
    const samples: CallNode[] = [];
    const nanoseconds: number[] = [];
    for (let i = 1; i < this.#samples.length; i += 2) {
      (this.#samples[i - 1] as CallNode).hits--;
      samples.push(this.#samples[i] as CallNode);
      nanoseconds.push((this.#nanoseconds[i - 1] as number) + (this.#nanoseconds[i] as number));
    }
    this.#samples = samples;
    this.#nanoseconds = nanoseconds;
  }
}
