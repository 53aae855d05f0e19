import { useState } from 'preact/hooks';
import type { ShownPair } from './shown-pair.ts';

const imagesKey = 'images';

/** The images of a list of pairs: whether they are shown, and what switches that. */
export interface ImageDisplay {
  shown: boolean;
  show(shown: boolean): void;
  /** Whether the tenant who looks has named these images. */
  areOwn: boolean;
}

/**
 * The browser loads images from their hosts, which learn the address of who looks. For images that the tenant has named
 * that is on unless it was turned off in this browser. Images that others have named are not loaded until somebody asks
 * for them, and only as long as the view is open: a tenant could name a host to learn where operators sit.
 */
export function useImageDisplay(areOwn: boolean): ImageDisplay {
  const [own, setOwn] = useState(() => localStorage.getItem(imagesKey) !== 'off');
  const [foreign, setForeign] = useState(false);
  return {
    areOwn,
    shown: areOwn ? own : foreign,
    show(shown) {
      if (!areOwn) return setForeign(shown);
      setOwn(shown);
      localStorage.setItem(imagesKey, shown ? 'on' : 'off');
    },
  };
}

export function ImagesSwitch({ images: { shown, show, areOwn } }: { images: ImageDisplay }) {
  if (!areOwn) {
    return (
      <button type="button" class="quiet" title="The hosts learn your address" onClick={() => show(!shown)}>
        {shown ? 'Hide images' : 'Show images from their hosts'}
      </button>
    );
  }
  return (
    <label class="check">
      <input type="checkbox" checked={shown} onChange={(event) => show(event.currentTarget.checked)} />
      Pictures, straight from their hosts
    </label>
  );
}

export function PairList({ pairs, images }: { pairs: ShownPair[]; images: boolean }) {
  return (
    <ol class="pairs">
      {pairs.map(({ key, image, text, note, value }) => (
        <li key={key}>
          <Thumbnail key={String(images)} image={image} images={images} />
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

function Thumbnail({ image, images }: { image: string | null; images: boolean }) {
  const [broken, setBroken] = useState(false);
  if (image === null) return <span class="thumb none">inline</span>;
  return (
    <a class="thumb" href={image} target="_blank" rel="noreferrer noopener" aria-label="Open the image">
      {images && !broken ? (
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
