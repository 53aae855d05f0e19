import { useEffect, useRef, useState } from 'preact/hooks';
import { RequestFailed } from '../../http/client.ts';
import { addressOf } from '../../shell/route.ts';
import { Copyable } from '../../ui/copy.tsx';
import { ModelSelect, useModels } from '../../ui/model-select.tsx';
import { ProblemBox } from '../../ui/problem.tsx';
import { WaitingNote } from '../../ui/waiting.tsx';
import { areColumnsSwapped, type ColumnMapping, guessColumns } from './column-mapping.ts';
import { encodings } from './encoding.ts';
import { delimiters, nameOfDelimiter } from './files/delimiters.ts';
import { describeFormat, FormatNotices } from './files/format-words.tsx';
import { FirstRows } from './first-rows.tsx';
import { batchCommand, localPathWords } from './local-paths.ts';
import type { Corrections, Preview } from './preview.ts';
import { noImageWords, startAgainWords, startError } from './start-error.ts';
import { type UploadProgress, uploadBatch } from './upload.ts';

export interface StartFormProps {
  file: File;
  preview: Preview;
  idempotencyKey: string;
  /** Called with the corrections of the user. The start of the file is then read again. */
  onCorrect: (corrections: Corrections) => void;
}

export function StartForm({ file, preview, idempotencyKey, onCorrect }: StartFormProps) {
  const { value: models } = useModels();
  const [mapping, setMapping] = useState<ColumnMapping>(() => mappingOf(preview));
  const [model, setModel] = useState('');
  const [name, setName] = useState('');
  const [tags, setTags] = useState('');
  const [failurePercent, setFailurePercent] = useState('');
  const [progress, setProgress] = useState<UploadProgress>();
  const [failure, setFailure] = useState<RequestFailed>();
  const running = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  useWarningWhile(progress !== undefined);
  const error = startError(preview, mapping);
  const paths = localPathWords(preview, mapping);
  const areSwapped = areColumnsSwapped(preview.columns, preview.rows, mapping);
  const noImage = areSwapped || paths !== undefined ? undefined : noImageWords(preview, mapping);

  async function start(): Promise<void> {
    const controller = new AbortController();
    running.current = controller;
    const { signal } = controller;
    setFailure(undefined);
    setProgress({ stage: 'sending', share: 0 });
    const failureShare = failurePercent === '' ? undefined : Number(failurePercent) / 100;
    try {
      const upload = { file, preview, mapping, model, failureShare, idempotencyKey, name, tags };
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
          <h2 id="columns">{preview.format === 'tar' ? 'Images and texts' : 'Columns'}</h2>
          <p class="soft">{describeFormat(preview)}</p>
        </div>
        <FormatNotices preview={preview} />
        <div class="mapping columns-mapping">
          {preview.encoding !== '' && (
            <div class="field">
              <label for="encoding">Encoding</label>
              <select
                id="encoding"
                value={preview.encoding}
                onChange={(event) =>
                  onCorrect({ encoding: event.currentTarget.value, delimiter: preview.delimiter || undefined })
                }
              >
                {Object.entries(encodings).map(([encoding, name]) => (
                  <option key={encoding} value={encoding}>
                    {name}
                  </option>
                ))}
              </select>
            </div>
          )}
          {preview.delimiter !== '' && (
            <div class="field">
              <label for="delimiter">Separated by</label>
              <select
                id="delimiter"
                value={preview.delimiter}
                onChange={(event) => onCorrect({ encoding: preview.encoding, delimiter: event.currentTarget.value })}
              >
                {[...new Set([...Object.keys(delimiters), preview.delimiter])].map((delimiter) => (
                  <option key={delimiter} value={delimiter}>
                    {nameOfDelimiter(delimiter)}
                  </option>
                ))}
              </select>
            </div>
          )}
          {preview.format !== 'tar' &&
            (['image', 'text', 'id'] as const).map((part) => (
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
        {areSwapped && (
          <p class="notice">
            The column “{mapping.image}” seems to have the texts, and the column “{mapping.text}” the images.{' '}
            <button
              type="button"
              class="link"
              onClick={() => setMapping({ ...mapping, image: mapping.text, text: mapping.image })}
            >
              Swap the two columns
            </button>
          </p>
        )}
        {noImage !== undefined && <p class="notice">{noImage}</p>}
        {preview.rows.length > 0 && <FirstRows preview={preview} mapping={mapping} model={model} />}
      </section>
      <section class="card stack" aria-labelledby="options">
        <h2 id="options">Options</h2>
        <div class="mapping">
          <div class="field">
            <label for="name">Name</label>
            <input
              id="name"
              dir="auto"
              maxLength={200}
              placeholder={file.name}
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          </div>
          <div class="field">
            <label for="tags">Tags, separated by commas</label>
            <input id="tags" dir="auto" value={tags} onInput={(event) => setTags(event.currentTarget.value)} />
          </div>
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
      {paths !== undefined && (
        <div class="notice stack">
          <p>{paths} Post addresses (https://…), or run this command, which sends the files:</p>
          <Copyable label="Command that sends the files" text={batchCommand(file.name, preview, mapping)} />
          <p class="fine soft">
            Replace <code>path/to</code> by the folder of the file. In a checkout of the service, type{' '}
            <code>npx vls</code> in place of <code>vls</code>.
          </p>
        </div>
      )}
      {failure !== undefined && <ProblemBox failure={failure} />}
      {progress === undefined ? (
        <div class="actions">
          <button type="submit" class="primary" disabled={error !== undefined} aria-describedby="start-error">
            Start
          </button>
          <span id="start-error" class="soft">
            {error ?? (failure && startAgainWords(failure)) ?? ''}
          </span>
        </div>
      ) : (
        <div class="card">
          <p role="status">{stageWords[progress.stage]}</p>
          <p class="fine soft">Keep this page open until the upload is complete: leaving the page cancels it.</p>
          {progress.stage !== 'preparing' && <WaitingNote key={progress.share} what="the end of the upload" />}
          <progress max={1} value={progress.share} aria-label="Upload" />
          <button type="button" onClick={() => running.current?.abort()}>
            Stop
          </button>
        </div>
      )}
    </form>
  );
}

/** Guesses the columns. The columns of a tar are fixed, because its file names determine their content. */
const mappingOf = ({ format, columns, rows }: Preview): ColumnMapping =>
  format === 'tar' ? { image: 'image', text: 'text', id: 'id' } : guessColumns(columns, rows);

const stageWords: Record<UploadProgress['stage'], string> = {
  preparing: 'Renaming the fields…',
  sending: 'Uploading…',
  storing: 'Storing the last items…',
};

/** Asks for confirmation when the user leaves the page during an upload, which would cancel it. */
function useWarningWhile(busy: boolean): void {
  useEffect(() => {
    if (!busy) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [busy]);
}
