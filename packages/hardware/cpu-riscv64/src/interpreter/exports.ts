/** Prefix of the names under which translated code imports helpers. */
export const HELPER_EXPORT = 'helper.';
/** The interpreter's function that makes entries; see predecoder.ts. */
export const PREDECODE = 'predecode';
/** The interpreter's function that translated code calls when a call came back before it was over; see {@link interpreterModule}. */
export const FINISH_CALL = 'finishCall';
/** The interpreter's function that translated code calls for a system call; see {@link interpreterModule}. */
export const SYSTEM_CALL = 'systemCall';
