#!/usr/bin/env node
// Runs `npx vls …` in a checkout. The bootstrap installs missing dependencies and runs cli/main.ts with Node 24. Like
// start/bootstrap.js, this file has no static imports, so that an old Node can print the message about its version.
void import('node:url').then(({ fileURLToPath }) => {
  // The path of this script, from which called.ts derives the command that messages name.
  process.env.VLS_SCRIPT = process.argv[1];
  process.argv.splice(2, 0, fileURLToPath(new URL('./main.ts', import.meta.url)));
  return import('../start/bootstrap.js');
});
