import type { Reporter, TestModule } from 'vitest/node';

/** Prints the tests that passed on their second run, with the error of the first. */
export class RetriedTests implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = modules.flatMap((module) =>
      [...module.children.allTests()]
        .filter((test) => test.diagnostic()?.flaky)
        .map((test) => {
          const reasons = test.result().errors?.map(({ message }) => message.split('\n', 1)[0]);
          return `  ${module.project.name}  ${module.relativeModuleId} > ${test.name}: ${reasons?.join('; ')}`;
        }),
    );
    if (lines.length > 0) process.stdout.write(`\nPassed on the second run\n${lines.join('\n')}\n`);
  }
}
