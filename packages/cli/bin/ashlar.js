#!/usr/bin/env node
// CommonJS, and bundled: Node.js starts it sooner, and importing the libraries one by one takes longer than starting a stack.
require('../bundle/launch.cjs').launch();
