import { useEffect, useState } from 'preact/hooks';
import { useDroppedFile } from '../ui/dropped-file.ts';
import type { PickedImage } from './request.ts';

export function ImagePicker({
  picked,
  onPick,
}: {
  picked: PickedImage | undefined;
  onPick: (image: PickedImage | undefined) => void;
}) {
  const over = useDroppedFile((file) => onPick({ file }));
  const file = picked !== undefined && 'file' in picked ? picked.file : undefined;
  const url = picked !== undefined && 'url' in picked ? picked.url : '';
  // The URL in the input field when the user has finished typing. Otherwise the browser would request every incomplete
  // URL.
  const [written, setWritten] = useState('');
  return (
    <div class="picker">
      <label class={`drop${over ? ' over' : ''}`}>
        <input
          type="file"
          accept="image/*"
          class="visually-hidden"
          onChange={(event) => {
            const chosen = event.currentTarget.files?.[0];
            // Otherwise choosing a refused file once more would cause no event.
            event.currentTarget.value = '';
            if (chosen !== undefined) onPick({ file: chosen });
          }}
        />
        <Preview file={file} address={url !== '' && url === written ? url : undefined} />
        <span class="drop-words">
          {picked === undefined ? (
            <>
              <strong>Choose an image</strong>
              <span class="soft">or drop or paste one anywhere</span>
            </>
          ) : (
            <>
              <strong dir="auto">{file?.name ?? 'The image at the URL below'}</strong>
              <span class="soft">Choose another image</span>
            </>
          )}
        </span>
      </label>
      <div class="field">
        <label for="address">Or its URL</label>
        <input
          id="address"
          type="url"
          inputMode="url"
          placeholder="https://"
          autocomplete="off"
          spellcheck={false}
          value={url}
          onChange={(event) => setWritten(event.currentTarget.value)}
          onInput={(event) => {
            const address = event.currentTarget.value;
            onPick(address.trim() === '' ? undefined : { url: address });
          }}
        />
      </div>
    </div>
  );
}

function Preview({ file, address }: { file: File | undefined; address: string | undefined }) {
  const [made, setMade] = useState<string>();
  useEffect(() => {
    if (file === undefined) return setMade(undefined);
    const url = URL.createObjectURL(file);
    setMade(url);
    return () => URL.revokeObjectURL(url);
  }, [file]);
  const shown = made ?? (address !== undefined && /^https?:\/\/./.test(address) ? address : undefined);
  // The address of an image that the browser cannot show, because of its format (such as TIFF) or its URL.
  const [broken, setBroken] = useState<string>();
  if (shown === undefined || shown === broken) {
    return (
      <svg class="drop-icon" viewBox="0 0 48 48" aria-hidden="true">
        <rect x="6" y="9" width="36" height="30" rx="4" fill="none" stroke="currentColor" stroke-width="2" />
        <circle cx="17" cy="20" r="3.5" fill="none" stroke="currentColor" stroke-width="2" />
        <path d="m9 36 11-10 7 6 6-5 8 8" fill="none" stroke="currentColor" stroke-width="2" />
      </svg>
    );
  }
  return <img src={shown} alt="" referrerpolicy="no-referrer" onError={() => setBroken(shown)} />;
}
