import type { Reporter, TestModule } from 'vitest/node';

const shown = 10;
/** Below it, a file is not worth a line. */
const shortestMs = 1_000;

/** Prints the files that took longest, when there were several. */
export class SlowestFiles implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = modules
      .map((module) => {
        const { duration, setupDuration, collectDuration, prepareDuration, environmentSetupDuration } =
          module.diagnostic();
        return {
          file: module.relativeModuleId,
          project: module.project.name,
          ms: duration + setupDuration + collectDuration + prepareDuration + environmentSetupDuration,
        };
      })
      .filter(({ ms }) => ms >= shortestMs)
      .sort((a, b) => b.ms - a.ms)
      .slice(0, shown);
    if (modules.length < 2 || rows.length === 0) return;
    const lines = rows.map(({ file, project, ms }) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${project}  ${file}`);
    process.stdout.write(`\nSlowest files\n${lines.join('\n')}\n`);
  }
}
