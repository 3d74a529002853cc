export { WasiPersonality } from './personality.ts';
