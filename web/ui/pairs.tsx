import { useState } from 'preact/hooks';
import type { ShownPair } from './shown-pair.ts';

const picturesKey = 'pictures';

/** Whether pictures are fetched from their hosts, which then know who looks. Kept from one visit to the next. */
export function usePictures(): [shown: boolean, show: (shown: boolean) => void] {
  const [pictures, setPictures] = useState(() => localStorage.getItem(picturesKey) !== 'off');
  const show = (shown: boolean) => {
    setPictures(shown);
    localStorage.setItem(picturesKey, shown ? 'on' : 'off');
  };
  return [pictures, show];
}

export function PicturesSwitch({ shown, onChange }: { shown: boolean; onChange: (shown: boolean) => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={shown} onChange={(event) => onChange(event.currentTarget.checked)} />
      Pictures, straight from their hosts
    </label>
  );
}

export function PairList({ pairs, pictures }: { pairs: ShownPair[]; pictures: boolean }) {
  return (
    <ol class="pairs">
      {pairs.map(({ key, image, text, note, value }) => (
        <li key={key}>
          <Thumbnail key={String(pictures)} image={image} pictures={pictures} />
          <div>
            <p class="pair-text">{text}</p>
            <p class="fine soft">{note}</p>
          </div>
          <span class="pair-score num">{value}</span>
        </li>
      ))}
    </ol>
  );
}

function Thumbnail({ image, pictures }: { image: string | null; pictures: boolean }) {
  const [broken, setBroken] = useState(false);
  if (image === null) return <span class="thumb none">inline</span>;
  return (
    <a class="thumb" href={image} target="_blank" rel="noreferrer noopener" aria-label="Open the image">
      {pictures && !broken ? (
        <img
          src={image}
          alt=""
          loading="lazy"
          decoding="async"
          referrerpolicy="no-referrer"
          onError={() => setBroken(true)}
        />
      ) : (
        <span class="none">{broken ? 'no picture' : 'open'}</span>
      )}
    </a>
  );
}
