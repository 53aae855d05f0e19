import { called } from '../shared/called.ts';
import { findRunningService } from '../start/running-service.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addKeysCommand } from './commands/keys.ts';
import { addModelsCommand } from './commands/models.ts';
import { addStartCommand } from './commands/start.ts';
import { runProgram } from './program.ts';

// The command line in a checkout. The standalone command line is `clients/cli/main.ts`.
await runProgram({
  offline: () => import('./offline.ts'),
  startCommand: `${called} start`,
  findOwnService: ({ dataDir }) => findRunningService(dataDir),
  addServiceCommands: (program, deps) => {
    addModelsCommand(program, deps);
    addDoctorCommand(program, deps);
    addKeysCommand(program, deps);
    addStartCommand(program);
  },
});
