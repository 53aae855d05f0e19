import { type Extract, extract, type Header } from 'tar-stream';
import { ServiceError } from '../../shared/errors.ts';

/** A file in a tar. Its bytes must be read before the next file. */
export interface Member {
  name: string;
  /** Why the tar lacks the bytes of this file, such as a link; absent for a normal file. */
  fault?: string;
  bytes: AsyncIterable<Buffer>;
  header: Header;
}

/**
 * Yields the files of a tar as its bytes arrive, without directories.
 * @throws {ServiceError} `request.invalid` for bytes that are not a complete tar, and the errors of `bytes`.
 */
export async function* membersOf(bytes: AsyncIterable<Buffer>): AsyncGenerator<Member> {
  // Allows old tars, whose headers state no format. Checksums are checked in any case. The types of tar-stream lack
  // this option.
  const options: object = { allowUnknownFormat: true };
  const parser = extract(options);
  let sourceError: unknown;
  const feed = async () => {
    let isEmpty = true;
    try {
      for await (const chunk of bytes) {
        if (parser.destroyed) return;
        isEmpty &&= chunk.length === 0;
        if (!parser.write(chunk)) await writable(parser);
      }
      if (isEmpty) throw damaged('is empty');
      parser.end(undefined);
    } catch (error) {
      sourceError = error;
      parser.destroy(error as Error);
    }
  };
  // The iterator listens to the parser, so it must exist before the first write.
  const entries = parser[Symbol.asyncIterator]();
  void feed();
  let last = '';
  const explain = (error: unknown) => sourceError ?? toTarError(error as Error, last);
  async function* contentOf(entry: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
    try {
      yield* entry as AsyncIterable<Buffer>;
    } catch (error) {
      throw explain(error);
    }
  }
  try {
    for (let next = await entries.next(); !next.done; next = await entries.next()) {
      const { header } = next.value;
      // With such a size, tar-stream would never end the file.
      if (!Number.isSafeInteger(header.size))
        throw damaged(`has a member without a valid size, ${header.name.slice(0, 100)}`);
      last = header.name;
      if (header.type === 'directory') next.value.resume();
      else yield { name: nameOf(header), ...faultOf(header), bytes: contentOf(next.value), header };
    }
  } catch (error) {
    throw explain(error);
  } finally {
    parser.destroy();
  }
}

const writable = (parser: Extract): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      parser.off('drain', done);
      parser.off('close', done);
      resolve();
    };
    parser.on('drain', done);
    parser.on('close', done);
    if (parser.destroyed) done();
  });

/** Returns the extended (pax) header fields that Python and GNU tar write. */
const paxOf = ({ pax }: Header): Record<string, string> => (pax ?? {}) as Record<string, string>;

/** Returns the name of a file. That of a sparse file is in its extended header. */
const nameOf = (header: Header): string => paxOf(header)['GNU.sparse.name'] ?? header.name;

function faultOf(header: Header): { fault?: string } {
  const { type } = header;
  const isSparse = Object.keys(paxOf(header)).some((key) => key.startsWith('GNU.sparse.'));
  if (isSparse) return { fault: 'is a sparse file; create the tar without the option --sparse' };
  if (type === 'file' || type === 'contiguous-file') return {};
  if (type === 'link' || type === 'symlink') {
    return { fault: 'is a link; a tar must hold the file itself (`tar --dereference --hard-dereference`)' };
  }
  return { fault: 'is not a regular file' };
}

function toTarError(error: Error, last: string): unknown {
  if (error instanceof ServiceError) return error;
  const { message } = error;
  const after = last === '' ? '' : ` after the member ${last.slice(0, 100)}`;
  if (message === 'Unexpected end of data') return damaged(`ends too early${after}`, error);
  if (message === 'Header exceeds max size') return damaged(`has an extended header of more than 4 MiB${after}`, error);
  return damaged(`is not a tar, or is damaged${after}`, error);
}

function damaged(problem: string, cause?: Error): ServiceError {
  return new ServiceError('request.invalid', `The tar ${problem}`, {
    ...{ cause, faults: [{ path: 'file', message: problem }] },
  });
}
