import type { Command } from 'commander';
import type { RankResponse } from '../../shared/contracts/rank.ts';
import { type CommandDeps, contextOf } from '../context.ts';
import { exitCodes, UsageError } from '../failures.ts';
import { styled, table } from '../output.ts';
import { cannotRead, checkResultFile } from '../output-file.ts';
import { formatProbability, formatReceipt } from './score.ts';

interface Options {
  image?: string;
  text?: string;
  labels?: string;
  model?: string;
  out?: string;
  force?: boolean;
}

export function addRankCommand(program: Command, deps: CommandDeps): void {
  program
    .command('rank')
    .description('Rank texts for one image (--image), or images for one text (--text).')
    .argument('[candidate...]', 'the candidates to rank: texts, or images as addresses or files')
    .option('--image <image>', 'rank texts for this image: address, file, or - for stdin')
    .option('--text <text>', 'rank images for this text')
    .option('--labels <file>', 'file with more candidates, one per line')
    .option('-m, --model <name>', 'profile or model')
    .option('-o, --out <file>', 'write the result to this file')
    .option('--force', 'replace the output if it exists')
    .action(async (given: string[], options: Options, command: Command) => {
      const context = contextOf(deps, command);
      const { image, text, labels, model, out } = options;
      await checkResultFile(options, [image, labels, ...given]);
      if ((image === undefined) === (text === undefined)) {
        throw new UsageError('Use either --image with texts to rank, or --text with images to rank');
      }
      const candidates = [...given, ...(labels === undefined ? [] : await linesOfFile(labels))];
      if (candidates.length === 0) throw new UsageError('No candidates: list them, or use --labels FILE');
      const { namingImage, readImageArgument, toSource } = await import('../image-argument.ts');
      const sourceOf = async (argument: string) => toSource(await readImageArgument(argument));
      const client = await context.connect();
      const body = {
        ...(image !== undefined && { image: await sourceOf(image), texts: candidates }),
        ...(text !== undefined && { images: await Promise.all(candidates.map(sourceOf)), text }),
        model,
      };
      // When all images fail, the service returns the error of the first one.
      const answer = await namingImage(image ?? candidates[0] ?? '', () =>
        client.post<RankResponse>('/v1/evaluation/rank', body),
      );
      const { stdout } = context;
      const words = () => {
        const rows = answer.results.map(({ score, probability, index }) => [
          score.toFixed(2).padStart(6),
          formatProbability(probability),
          candidates[index] ?? '',
        ]);
        const failures = answer.failures.map(
          ({ index, error }) => `${styled(stdout, 'red', error.code)} ${candidates[index] ?? ''}: ${error.message}\n`,
        );
        const heading = ['SCORE', 'PROBABILITY', image === undefined ? 'IMAGE' : 'TEXT'];
        return `${table(stdout, [heading, ...rows])}${failures.join('')}${formatReceipt(answer.receipt, stdout)}`;
      };
      await context.result(answer, words, out);
      if (answer.failures.length > 0) process.exitCode = exitCodes.someFailed;
    });
}

async function linesOfFile(file: string): Promise<string[]> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw cannotRead(file, error);
  });
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
