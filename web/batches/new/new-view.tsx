import { useEffect, useState } from 'preact/hooks';
import { formats } from '../../../shared/formats.ts';
import { addressOf } from '../../shell/route.ts';
import { useDroppedFile } from '../../ui/dropped-file.ts';
import * as numbers from '../../ui/numbers.ts';
import { Scrollable } from '../../ui/scrollable.tsx';
import { type Corrections, NoPreview, type Preview, previewOf } from './preview.ts';
import { StartForm } from './start-form.tsx';

/** The formats that the page offers. JSON arrays are left out, because the service reads them only as a whole. */
const offered = formats.filter(({ isRead, name }) => isRead && name !== 'json');

const accepted = [
  ...offered.flatMap(({ endings, mediaTypes }) => [...endings.map((each) => `.${each}`), mediaTypes[0]]),
  '.json',
  '.txt',
  '.gz',
].join();

interface Chosen {
  file: File;
  preview: Preview;
  idempotencyKey: string;
}

export function NewView({ dropped }: { dropped?: File }) {
  const [chosen, setChosen] = useState<Chosen>();
  const [unreadable, setUnreadable] = useState<{ name: string; error: NoPreview }>();
  const over = useDroppedFile((file) => void choose(file));
  useEffect(() => {
    if (dropped !== undefined) void choose(dropped);
  }, [dropped]);

  async function choose(file: File, corrections?: Corrections): Promise<void> {
    setUnreadable(undefined);
    try {
      setChosen({ file, preview: await previewOf(file, corrections), idempotencyKey: randomKey() });
    } catch (error) {
      if (!(error instanceof NoPreview)) throw error;
      setChosen(undefined);
      setUnreadable({ name: file.name, error });
    }
  }

  return (
    <div class="stack">
      <label class={`drop wide${chosen === undefined ? '' : ' filled'}${over ? ' over' : ''}`}>
        <input
          type="file"
          accept={accepted}
          class="visually-hidden"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            if (file !== undefined) void choose(file);
          }}
        />
        <span class="drop-words">
          {chosen === undefined ? (
            <>
              <strong>Choose a file of pairs</strong>
              <span class="soft">or drop it anywhere on the page: CSV, TSV, NDJSON, Parquet or a tar of images</span>
            </>
          ) : (
            <>
              <strong dir="auto">{chosen.file.name}</strong>
              <span class="soft">{numbers.bytes(chosen.file.size)}. Choose another file</span>
            </>
          )}
        </span>
      </label>
      {unreadable !== undefined && (
        <p class="problem" role="alert">
          <strong>
            <bdi>{unreadable.name}</bdi>.
          </strong>{' '}
          {unreadable.error.message}
          {unreadable.error.isImage && (
            <>
              {' '}
              To score a single image, use <a href={addressOf.try}>Try it</a>.
            </>
          )}
        </p>
      )}
      {chosen === undefined ? (
        <FormatHelp />
      ) : (
        <StartForm
          key={chosen.idempotencyKey}
          {...chosen}
          onCorrect={(corrections) => void choose(chosen.file, corrections)}
        />
      )}
    </div>
  );
}

function FormatHelp() {
  return (
    <section class="card" aria-labelledby="format">
      <h2 id="format">File format</h2>
      <p>
        The first row names the columns; each further row has one image and one text. You choose the columns in the next
        step.
      </p>
      <Scrollable label="Example of a CSV file">
        <pre>
          {
            'image,text,id\nhttps://example.org/cat.jpg,a cat looking at the camera,cat\nhttps://example.org/cup.jpg,"a cup of coffee, with a spoon",cup'
          }
        </pre>
      </Scrollable>
      <p class="soft">
        NDJSON has one object per line: <code>{'{"image": "https://…", "text": "…"}'}</code>. Parquet has a column of
        addresses or of images. The service downloads images from their URLs. A WebDataset is a tar with the images
        themselves: <code>1.jpg</code> with <code>1.txt</code>, and so on.
      </p>
    </section>
  );
}

/** Pages over plain HTTP from another machine have no `crypto.randomUUID`. */
const randomKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
