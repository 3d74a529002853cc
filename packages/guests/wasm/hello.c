/* The least program: one write. */
#include "guest.h"

void _start(void) { say("Hello from wasm\n"); }
