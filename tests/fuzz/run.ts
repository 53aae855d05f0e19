import { endOnSignals, print, readWords } from '../../testing/command.ts';
import { bombs } from '../../testing/images/bombs.ts';
import { mutated, seeds } from '../../testing/mutations.ts';
import { drive, type FuzzReport } from './drive.ts';

/**
 * Damaged images and files made to do harm, given to a real encoder: each must end in an embedding or an `image.*`
 * code within 5 s, none may end the process, and its memory must come back to where it was.
 */
const { positionals } = readWords('npm run fuzz -- [files] [seed], by default 1000 and a seed that is printed', []);
endOnSignals();
const [files = 1_000, seed = Date.now() % 1_000_000] = positionals.map(Number);

/** As it is by default. */
const maxPixels = 50_000_000;
const slowestMs = 5_000;
/** Memory that the allocator may retain, in MB. Up to 180 were measured, after one round of bombs as after eight. */
const keptMb = 250;

print(`${files} mutated files, seed ${seed}`);
const from = await seeds();
const faults: string[] = [];

function judge(what: string, { outcomes, slowest, memory, restarts, faults: wrong }: FuzzReport): void {
  print(
    `${what}: ${Object.entries(outcomes)
      .map(([outcome, count]) => `${count} ${outcome}`)
      .join(', ')}`,
  );
  print(
    `  slowest ${slowest.ms} ms (${slowest.name}); ${memory ? `memory ${memory.before} MB before, ${memory.after} after, ${memory.peak} at most` : 'memory is not measured here'}`,
  );
  faults.push(...wrong);
  if (restarts > 0) faults.push(`${what}: ${restarts} encoders ended`);
  if (slowest.ms > slowestMs) faults.push(`${what}: ${slowest.name} took ${slowest.ms} ms`);
  if (memory && memory.after > memory.before + keptMb)
    faults.push(`${what}: memory grew from ${memory.before} to ${memory.after} MB`);
}

function* mutations() {
  for (let n = 0; n < files; n++) yield mutated(from, seed, n);
}
judge('mutated files', await drive(from, mutations(), { maxPixels, atOnce: 2 }));
judge('bombs', await drive(from, await bombs(maxPixels), { maxPixels, atOnce: 1 }));
for (const fault of faults) print(`FAULT ${fault}`);
print(faults.length === 0 ? 'Each ended as it should' : `${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
