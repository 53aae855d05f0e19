#!/usr/bin/env node
import { CommandError } from '../../cli/failures.ts';
import { runProgram } from '../../cli/program.ts';
import { version } from '../../shared/version.ts';

/** Returns the error for a feature that needs the package of the service. */
const needsService = (what: string): CommandError =>
  new CommandError('service.not_installed', `${what} needs the package of the service, which is not installed`, {
    advice: `This is the command line alone. Use a checkout of the service, or install its package vision-language-similarity ${version}.`,
  });

/** The commands that only the package of the service provides, with their descriptions in this package. */
const serviceCommands = {
  models: 'List, pull and check models. Needs the package of the service.',
  doctor: 'Check this machine for the service. Needs the package of the service.',
  keys: 'Manage the API keys of a service. Needs the package of the service.',
  start: 'Run the service. Needs the package of the service.',
};

// The standalone command line: an HTTP client without the service. The package of the service uses cli/main.ts.
await runProgram({
  offline: async () => {
    throw needsService('--offline');
  },
  startCommand: undefined,
  findOwnService: undefined,
  addServiceCommands: (program) => {
    for (const [name, description] of Object.entries(serviceCommands)) {
      program
        .command(name)
        .description(description)
        .argument('[words...]')
        .allowUnknownOption()
        .action(() => {
          throw needsService(`\`vls ${name}\``);
        });
    }
  },
});
