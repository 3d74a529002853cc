export type { VolumeBackend } from '@ashlar/hardware';
