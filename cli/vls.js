#!/usr/bin/env node
// Runs `npx vls …` in a checkout. The bootstrap installs missing dependencies, and runs cli/main.ts with Node 24.
// Static imports would keep an old Node from printing the message about its version.
void import('node:url').then(({ fileURLToPath }) => {
  // called.ts derives from this path the command that messages name.
  process.env.VLS_SCRIPT = process.argv[1];
  process.argv.splice(2, 0, fileURLToPath(new URL('./main.ts', import.meta.url)));
  return import('../start/bootstrap.js');
});
