import type { Command } from 'commander';
import type { Receipt } from '../../shared/contracts/item.ts';
import type { SingleResponse } from '../../shared/contracts/single.ts';
import { type CommandDeps, type Context, contextOf } from '../context.ts';
import type { TypedImage } from '../image-argument.ts';
import { styled, table } from '../output.ts';
import { checkResultFile } from '../output-file.ts';

interface Options {
  model?: string;
  out?: string;
  force?: boolean;
  offline?: boolean;
}

export function addScoreCommand(program: Command, deps: CommandDeps): void {
  program
    .command('score')
    .description('Score one image against one or more texts.')
    .argument('<image>', 'address, file, or - for stdin')
    .argument('<text...>', 'texts, each scored separately')
    .option('-m, --model <name>', 'profile or model')
    .option('-o, --out <file>', 'write the result to this file')
    .option('--force', 'replace the output if it exists')
    .option('--offline', 'score in this process, without a service')
    .action(async (image: string, texts: string[], options: Options, command: Command) => {
      const context = contextOf(deps, command);
      const { namingImage, readImageArgument } = await import('../image-argument.ts');
      await checkResultFile(options, [image]);
      const typed = await readImageArgument(image);
      const answer = await namingImage(image, async () =>
        options.offline
          ? await (await context.offline()).scoreTexts(context.config, typed, texts, options.model)
          : await askService(context, typed, texts, options.model),
      );
      await context.result(answer, () => formatStatus(answer, texts, context.stdout), options.out);
    });
}

async function askService(
  context: Context,
  image: TypedImage,
  texts: string[],
  model: string | undefined,
): Promise<SingleResponse> {
  const client = await context.connect();
  const [first = ''] = texts;
  const path = '/v1/evaluation/single';
  if ('source' in image) {
    return await client.post(path, { image: image.source, text: texts.length === 1 ? first : texts, model });
  }
  const { blob, name } = image;
  return await client.json(path, {
    method: 'POST',
    body: () => {
      const form = new FormData();
      form.append('image', blob, name);
      for (const text of texts) form.append('text', text);
      if (model !== undefined) form.append('model', model);
      return form;
    },
  });
}

function formatStatus(answer: SingleResponse, texts: readonly string[], stream: NodeJS.WriteStream): string {
  const scores = 'results' in answer ? answer.results : [{ ...answer, text: texts[0] ?? '' }];
  const hasProbability = scores.some(({ probability }) => probability !== undefined);
  const rows = scores.map(({ score, probability, text }) => [
    score.toFixed(2).padStart(6),
    ...(hasProbability ? [formatProbability(probability)] : []),
    text,
  ]);
  return `${table(stream, [['SCORE', ...(hasProbability ? ['PROBABILITY'] : []), 'TEXT'], ...rows])}${formatReceipt(answer.receipt, stream)}`;
}

export const formatProbability = (probability: number | undefined): string =>
  (probability === undefined ? '' : `${(100 * probability).toFixed(1)} %`).padStart(11);

export function formatReceipt({ model, revision, precision, provider, warnings }: Receipt, stream: NodeJS.WriteStream) {
  const lines = [styled(stream, 'dim', `${model}, revision ${revision.slice(0, 12)}, ${precision} on ${provider}`)];
  for (const warning of warnings) lines.push(`${styled(stream, 'yellow', 'warning')} ${warning}`);
  return `${lines.join('\n')}\n`;
}
