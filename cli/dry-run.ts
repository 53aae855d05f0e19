import type { Survey, SurveyedFile } from '../models/pulling/dry-run.ts';
import { megabytes, styled, table } from './output.ts';

const words: Record<SurveyedFile['state'], string> = {
  agrees: 'as the registry pins it',
  unpinned: 'stated by the hub alone',
  unstated: 'no hash stated',
  differs: 'DIFFERS',
  failed: 'FAILED',
};

/** Whether a pull of these files would fail, or bring something else than the registry wants. */
export const isRefused = ({ files }: Survey): boolean =>
  files.some(({ state }) => state === 'differs' || state === 'failed');

/** What a pull would fetch, for people. */
export function describeSurvey({ model, hub, files, bytes }: Survey, way: string, stream: NodeJS.WriteStream): string {
  const rows = files.map((file) => [
    file.local,
    file.bytes === null ? '?' : megabytes(file.bytes),
    (file.stated.sha256 ?? file.stated.gitBlob ?? '-').slice(0, 12),
    file.pinned === null ? '-' : `${file.pinned.sha256.slice(0, 12)}${file.pinned.unverified ? ' (one source)' : ''}`,
    words[file.state],
  ]);
  const faults = files.flatMap(({ local, fault }) =>
    fault === null ? [] : [`${styled(stream, 'red', 'error')} ${local}: ${fault}\n`],
  );
  return [
    `${model} from ${hub}, ${way}: ${files.length} files, ${megabytes(bytes)}. Nothing is fetched.\n`,
    table(stream, [['FILE', 'SIZE', 'HUB', 'REGISTRY', 'HASH'], ...rows]),
    ...faults,
  ].join('');
}
