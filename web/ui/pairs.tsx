import { useEffect, useState } from 'preact/hooks';
import { isStored, missingImagesWords } from './image-address.ts';
import type { ShownPair } from './shown-pair.ts';
import { Thumbnail } from './thumbnail.tsx';

const imagesKey = 'images';
/** The event after a change of the choice, for the other lists of the view. */
const changed = 'images-changed';

const areOwnShown = (): boolean => localStorage.getItem(imagesKey) !== 'off';

export interface ImageDisplay {
  shown: boolean;
  show(shown: boolean): void;
  /** True when the images belong to the tenant of the user. */
  areOwn: boolean;
}

/**
 * Decides whether images are shown, because their hosts see the IP address of the browser. Images of other tenants are
 * loaded only after a click; otherwise a tenant could find out the IP addresses of operators. For own images, the
 * browser stores the choice.
 */
export function useImageDisplay(areOwn: boolean): ImageDisplay {
  const [own, setOwn] = useState(areOwnShown);
  const [foreign, setForeign] = useState(false);
  useEffect(() => {
    const read = () => setOwn(areOwnShown());
    addEventListener(changed, read);
    return () => removeEventListener(changed, read);
  }, []);
  return {
    areOwn,
    shown: areOwn ? own : foreign,
    show(shown) {
      if (!areOwn) return setForeign(shown);
      localStorage.setItem(imagesKey, shown ? 'on' : 'off');
      dispatchEvent(new Event(changed));
    },
  };
}

/**
 * Shows or hides images of other hosts, and says if some of the listed images cannot be shown.
 * @param listed the addresses of the listed images; null for an image without one. Undefined if all have one.
 */
export function ImagesSwitch({
  images,
  listed,
}: {
  images: ImageDisplay;
  listed?: readonly (string | null | undefined)[];
}) {
  const missing = listed && missingImagesWords(listed);
  const hasHosts = listed === undefined || listed.some((image) => image && !isStored(image));
  if (missing === undefined) return hasHosts ? <Switch images={images} /> : null;
  return (
    <div class="actions">
      <span class="fine soft">{missing}</span>
      {hasHosts && <Switch images={images} />}
    </div>
  );
}

function Switch({ images: { shown, show, areOwn } }: { images: ImageDisplay }) {
  if (!areOwn) {
    return (
      <button
        type="button"
        class="quiet"
        title="Loading the images shows your IP address to their hosts"
        onClick={() => show(!shown)}
      >
        {shown ? 'Hide images' : 'Show images from their hosts'}
      </button>
    );
  }
  return (
    <label class="check">
      <input type="checkbox" checked={shown} onChange={(event) => show(event.currentTarget.checked)} />
      Show images from their hosts
    </label>
  );
}

export function PairList({ pairs, images }: { pairs: ShownPair[]; images: boolean }) {
  return (
    <ol class="pairs">
      {pairs.map(({ key, image, text, note, value }) => (
        <li key={key}>
          <LinkedThumbnail image={image} shown={images} />
          <div>
            <p class="pair-text" dir="auto">
              {text}
            </p>
            <p class="fine soft" dir="auto">
              {note}
            </p>
          </div>
          <span class="pair-score num">{value}</span>
        </li>
      ))}
    </ol>
  );
}

function LinkedThumbnail({ image, shown }: { image: string | null; shown: boolean }) {
  if (image === null) {
    return (
      <span class="thumb">
        <Thumbnail image={null} shown={shown} />
      </span>
    );
  }
  return (
    <a class="thumb" href={image} target="_blank" rel="noreferrer noopener">
      <span class="visually-hidden">Open the image</span>
      <Thumbnail image={image} shown={shown} />
    </a>
  );
}
