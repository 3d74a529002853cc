/** What /proc says of the kernel; uname(2) is the personality's, and says the same. The release is that of the kernel whose behaviour is the reference. */
export const KERNEL_NAME = 'Linux';
export const KERNEL_RELEASE = '6.12.0-ashlar';
export const KERNEL_VERSION = '#1 SMP PREEMPT Ashlar';
export const HOST_NAME = 'ashlar';
/** Largest process id plus one, as Linux has it on 64-bit machines. */
export const PID_MAX = 4194304;
