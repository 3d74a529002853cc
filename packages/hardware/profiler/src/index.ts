export type { CpuProfile, ProfileNode } from './cpu-profile.ts';
export { Profiler, type ProfilerOptions } from './profiler.ts';
