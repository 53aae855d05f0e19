// `node start/bootstrap.js <entry.ts> [args…]` installs the dependencies if needed, then runs the entry script with
// Node 24. No static imports and only syntax of Node 10: an old Node must print the message below.
const oldestNode = 20;

if (Number(process.versions.node.split('.')[0]) < oldestNode) {
  console.error(
    'This project needs Node ' +
      oldestNode +
      ' or newer; ' +
      process.execPath +
      ' is ' +
      process.version +
      '.' +
      ' Install a current one from https://nodejs.org and run the command again.',
  );
  process.exit(1);
} else {
  void import('./bootstrap/run.js').then((bootstrap) => bootstrap.run(process.argv.slice(2)));
}
