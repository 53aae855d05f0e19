import { pack } from 'tar-stream';
import { type Member, membersOf } from './members.ts';
import { placeOf } from './place.ts';

/**
 * Copies some samples of a tar, with all their files, to a new tar, and yields its bytes. Only one sample is in memory.
 * @param isKept returns true for the index of each sample to copy, counted as in the reader.
 * @throws {ServiceError} the errors of reading a tar.
 */
export async function* subsetOfTar(
  bytes: AsyncIterable<Buffer>,
  isKept: (index: number) => boolean,
): AsyncGenerator<Buffer> {
  const tar = pack();
  const write = ({ header }: Member, content: Buffer) =>
    new Promise<void>((resolve, reject) => {
      const { name, mode, mtime, uid, gid, uname, gname } = header;
      const fields = { name, mode, mtime, uid, gid, uname, gname };
      tar.entry(fields, content, (error) => (error ? reject(error) : resolve()));
    });
  copySamples(membersOf(bytes), isKept, write).then(
    () => tar.finalize(),
    (error: Error) => tar.destroy(error),
  );
  yield* tar as AsyncIterable<Buffer>;
}

async function copySamples(
  members: AsyncIterable<Member>,
  isKept: (index: number) => boolean,
  write: (member: Member, content: Buffer) => Promise<void>,
): Promise<void> {
  let key: string | undefined;
  let index = -1;
  let keeps = false;
  /** Files of a key before its first image, text or JSON file. Only such a file makes the key a sample. */
  let early: { key: string; files: [Member, Buffer][] } | undefined;
  for await (const member of members) {
    const place = placeOf(member.name);
    if (place?.key !== key) key = undefined;
    if (place?.key !== early?.key) early = undefined;
    if (place?.part !== undefined && key === undefined) {
      key = place.key;
      index++;
      keeps = isKept(index);
      if (keeps) for (const [file, content] of early?.files ?? []) await write(file, content);
      early = undefined;
    }
    const isOpen = key !== undefined;
    const isWanted = place !== undefined && member.fault === undefined && (!isOpen || keeps);
    const content: Buffer[] = [];
    for await (const chunk of member.bytes) if (isWanted) content.push(chunk);
    if (!isWanted) continue;
    if (isOpen) await write(member, Buffer.concat(content));
    else {
      early ??= { key: place.key, files: [] };
      early.files.push([member, Buffer.concat(content)]);
    }
  }
}
