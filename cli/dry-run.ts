import type { Survey, SurveyedFile } from '../models/pulling/dry-run.ts';
import { megabytes, styled, table } from './output.ts';

const words: Record<SurveyedFile['state'], string> = {
  agrees: 'same hash as in the registry',
  unpinned: 'hash stated by the hub only',
  unstated: 'no hash stated',
  differs: 'DIFFERS',
  failed: 'FAILED',
};

/** Returns true when a download would fail, or when its files would differ from the hashes in the registry. */
export const isRefused = ({ files }: Survey): boolean =>
  files.some(({ state }) => state === 'differs' || state === 'failed');

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
    `${model} from ${hub}, ${way}: ${files.length} files, ${megabytes(bytes)}. Nothing is downloaded (dry run).\n`,
    table(stream, [['FILE', 'SIZE', 'HUB', 'REGISTRY', 'HASH'], ...rows]),
    ...faults,
  ].join('');
}
