import { useEffect, useRef, useState } from 'preact/hooks';
import { formatNamed, labelsInWords } from '../../shared/formats.ts';
import { RequestFailed } from '../http/client.ts';
import { addressOf } from '../shell/route.ts';
import { useDroppedFile } from '../ui/dropped-file.ts';
import { ModelSelect, useModels } from '../ui/model-select.tsx';
import * as numbers from '../ui/numbers.ts';
import { ProblemBox } from '../ui/problem.tsx';
import { Scrollable } from '../ui/scrollable.tsx';
import { type ColumnMapping, guessColumns, looksLikeImage, mappingError } from './column-mapping.ts';
import { encodings, nameOfEncoding } from './encoding.ts';
import { NoPreview, type Preview, previewed, previewOf } from './preview.ts';
import { PreviewTable } from './preview-table.tsx';
import { type UploadProgress, uploadBatch } from './upload.ts';

/** The file endings and media types that the file dialog offers. */
const accepted = [
  ...previewed.flatMap(({ endings, mediaTypes }) => [...endings.map((each) => `.${each}`), mediaTypes[0]]),
  '.json',
  '.gz',
].join();

interface Chosen {
  file: File;
  preview: Preview;
  idempotencyKey: string;
}

/** Posts a file as a batch: shows its first rows, asks which column is what, and uploads it. */
export function NewView({ dropped }: { dropped?: File }) {
  const [chosen, setChosen] = useState<Chosen>();
  const [unreadable, setUnreadable] = useState<string>();
  const over = useDroppedFile((file) => void choose(file));
  useEffect(() => {
    if (dropped !== undefined) void choose(dropped);
  }, [dropped]);

  async function choose(file: File, encoding?: string): Promise<void> {
    setUnreadable(undefined);
    try {
      setChosen({ file, preview: await previewOf(file, encoding), idempotencyKey: randomKey() });
    } catch (error) {
      if (!(error instanceof NoPreview)) throw error;
      setChosen(undefined);
      setUnreadable(`${file.name}: ${error.message}`);
    }
  }

  return (
    <>
      <p class="crumbs">
        <a href={addressOf.batches}>Batches</a>
      </p>
      <h1>New batch</h1>
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
                <strong>Choose a {labelsInWords(previewed, 'or')} file</strong>
                <span class="soft">or drop it anywhere on the page. Any size; gzip is supported.</span>
              </>
            ) : (
              <>
                <strong class="cut">{chosen.file.name}</strong>
                <span class="soft">{numbers.bytes(chosen.file.size)}. Choose another file</span>
              </>
            )}
          </span>
        </label>
        {unreadable !== undefined && (
          <p class="problem" role="alert">
            {unreadable}
          </p>
        )}
        {chosen === undefined ? (
          <FormatHelp />
        ) : (
          <StartForm
            key={chosen.idempotencyKey}
            {...chosen}
            onEncoding={(encoding) => void choose(chosen.file, encoding)}
          />
        )}
      </div>
    </>
  );
}

function FormatHelp() {
  return (
    <section class="card" aria-labelledby="format">
      <h2 id="format">File format</h2>
      <p>One image and one text per row, below a header row. You choose the columns in the next step.</p>
      <Scrollable label="Example of a CSV file">
        <pre>
          {
            'image,text,id\nhttps://example.org/cat.jpg,a cat looking at the camera,cat\nhttps://example.org/cup.jpg,"a cup of coffee, with a spoon",cup'
          }
        </pre>
      </Scrollable>
      <p class="soft">
        NDJSON has one object per line: <code>{'{"image": "https://…", "text": "…"}'}</code>. The service downloads the
        images from their URLs.
      </p>
    </section>
  );
}

function StartForm({ file, preview, idempotencyKey, onEncoding }: Chosen & { onEncoding: (encoding: string) => void }) {
  const { value: models } = useModels();
  const [mapping, setMapping] = useState<ColumnMapping>(() => guessColumns(preview.columns, preview.rows));
  const [model, setModel] = useState('');
  const [failurePercent, setFailurePercent] = useState('');
  const [progress, setProgress] = useState<UploadProgress>();
  const [failure, setFailure] = useState<RequestFailed>();
  const running = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  useWarningWhile(progress !== undefined);
  const error = mappingError(mapping);

  async function start(): Promise<void> {
    const controller = new AbortController();
    running.current = controller;
    const { signal } = controller;
    setFailure(undefined);
    setProgress({ stage: 'sending', share: 0 });
    const failureShare = failurePercent === '' ? undefined : Number(failurePercent) / 100;
    try {
      const upload = { file, preview, mapping, model, failureShare, idempotencyKey };
      const { id } = await uploadBatch(upload, setProgress, signal);
      setProgress(undefined);
      location.hash = addressOf.batch(id);
    } catch (error) {
      setProgress(undefined);
      if (signal.aborted) return;
      if (!(error instanceof RequestFailed)) throw error;
      setFailure(error);
    }
  }

  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void start();
      }}
    >
      <section class="card stack" aria-labelledby="columns">
        <div>
          <h2 id="columns">Columns</h2>
          <p class="soft">{describePreview(preview)}</p>
        </div>
        {!/^utf/.test(preview.encoding) && (
          <p class="notice">
            Read as {nameOfEncoding(preview.encoding)}. If accented letters look wrong below, choose another encoding.
          </p>
        )}
        {formatNamed(preview.format).hasColumns && preview.columns.some(looksLikeImage) && (
          <p class="notice">
            The first row looks like an item. It will be read as the header row, which CSV must have.
          </p>
        )}
        <div class="mapping">
          <div class="field">
            <label for="encoding">Encoding</label>
            <select id="encoding" value={preview.encoding} onChange={(event) => onEncoding(event.currentTarget.value)}>
              {Object.entries(encodings).map(([encoding, name]) => (
                <option key={encoding} value={encoding}>
                  {name}
                </option>
              ))}
            </select>
          </div>
          {(['image', 'text', 'id'] as const).map((part) => (
            <div class="field" key={part}>
              <label for={`column-${part}`}>{{ image: 'Image', text: 'Text', id: 'Id (optional)' }[part]}</label>
              <select
                id={`column-${part}`}
                value={mapping[part]}
                onChange={(event) => setMapping({ ...mapping, [part]: event.currentTarget.value })}
              >
                <option value="">{part === 'id' ? 'none' : 'choose…'}</option>
                {[...new Set(preview.columns)].map((column) => (
                  <option key={column} value={column}>
                    {column}
                  </option>
                ))}
              </select>
            </div>
          ))}
        </div>
        <PreviewTable preview={preview} mapping={mapping} />
      </section>
      <section class="card stack" aria-labelledby="options">
        <h2 id="options">Options</h2>
        <div class="mapping">
          <ModelSelect models={models} value={model} onChange={setModel} />
          <div class="field">
            <label for="budget">Stop when more than … % fail</label>
            <input
              id="budget"
              type="number"
              min="0"
              max="100"
              step="any"
              placeholder="never"
              value={failurePercent}
              onInput={(event) => setFailurePercent(event.currentTarget.value)}
            />
          </div>
        </div>
      </section>
      {failure !== undefined && <ProblemBox failure={failure} />}
      {progress === undefined ? (
        <div class="actions">
          <button type="submit" class="primary" disabled={error !== undefined} aria-describedby="mapping-error">
            Start
          </button>
          <span id="mapping-error" class="soft">
            {error ?? ''}
          </span>
        </div>
      ) : (
        <div class="card">
          <p role="status">{stageWords[progress.stage]}</p>
          <p class="fine soft">Keep this page open until the upload is complete: leaving cancels it.</p>
          <progress max={1} value={progress.share} aria-label="Upload" />
          <button type="button" onClick={() => running.current?.abort()}>
            Stop
          </button>
        </div>
      )}
    </form>
  );
}

const stageWords: Record<UploadProgress['stage'], string> = {
  preparing: 'Renaming the fields…',
  sending: 'Uploading…',
  storing: 'Storing the last items…',
};

function describePreview({ format, gzipped, encoding, estimate, columns }: Preview): string {
  const rows = estimate === undefined ? '' : `${estimate.exact ? '' : 'about '}${numbers.count(estimate.rows)} rows, `;
  return `${format.toUpperCase()}, ${nameOfEncoding(encoding)}${gzipped ? ', gzipped' : ''}: ${rows}${numbers.count(columns.length)} columns. The first rows:`;
}

/** Warns before the page is left during an upload, which would cancel it without creating a batch. */
function useWarningWhile(busy: boolean): void {
  useEffect(() => {
    if (!busy) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [busy]);
}

/** Creates an idempotency key. `crypto.randomUUID` is missing on pages over plain HTTP from another machine. */
const randomKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
