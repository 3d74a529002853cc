export * from './personality.ts';
export * from './session.ts';
