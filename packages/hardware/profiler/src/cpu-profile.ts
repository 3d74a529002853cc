/** One node of the call tree: a function as called by its parent. */
export interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly scriptId: string;
    /** The program file. */
    readonly url: string;
    readonly lineNumber: number;
    readonly columnNumber: number;
  };
  /** Samples in the function itself. */
  readonly hitCount: number;
  readonly children: readonly number[];
}

/** A profile as Chrome's DevTools have it (Chrome DevTools Protocol, type Profiler.Profile). Times in microseconds. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly startTime: number;
  readonly endTime: number;
  /** Ids of nodes. */
  readonly samples: readonly number[];
  /** Time before each sample since the one before. */
  readonly timeDeltas: readonly number[];
}
