export { receiveDocument } from './document.ts';
export { MalformedFrame } from './frame.ts';
export { SESSION_LIMITS, SESSION_PROTOCOL } from './protocol.ts';
export { SessionClient } from './session-client.ts';
export { SessionFailure } from './session-error.ts';
export { SystemPayload } from './system-payload.ts';
