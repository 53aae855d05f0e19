import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shellQuoted } from '../shared/shell-word.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Returns the text that `npm start` prints.
 * @param origin the origin of the service, such as `http://127.0.0.1:8000`.
 * @param cwd the directory in which the user will run the command.
 * @param remarks sentences about this start, printed last.
 */
export function banner(origin: string, cwd: string, remarks: readonly string[] = []): string {
  const base = `${origin}/evaluator`;
  const photo = relative(cwd, join(root, 'examples', 'photos', 'chelsea.jpg'));
  return `
  Page     ${base}/
  Docs     ${base}/docs
  Queues   ${base}/queues

  Try it:
  curl -F ${quoted(`image=@${photo}`)} -F 'text=a cat looking at the camera' ${base}/v1/evaluation/single

  Ctrl-C drains and stops everything.
${remarks.map((remark) => `\n  ${remark}.\n`).join('')}`;
}

function quoted(word: string): string {
  return /^[\w@=./-]+$/.test(word) ? word : shellQuoted(word);
}
