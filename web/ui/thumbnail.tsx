import { useState } from 'preact/hooks';
import { withoutAddress } from './image-address.ts';

/**
 * Shows an image from its host, without a referrer, or a word if it cannot be shown.
 * @param path the path of an image without an address, for the tooltip.
 */
export function Thumbnail({ image, path, shown }: { image: string | null; path?: string | undefined; shown: boolean }) {
  const [brokenImage, setBroken] = useState<string>();
  if (image === null) {
    return (
      <span class="none" title={path === undefined ? withoutAddress.reason : `${path}. ${withoutAddress.reason}`}>
        {withoutAddress.word}
      </span>
    );
  }
  if (!shown) return <span class="none">hidden</span>;
  if (brokenImage === image) return <span class="none">no image</span>;
  return (
    <img
      src={image}
      alt=""
      loading="lazy"
      decoding="async"
      referrerpolicy="no-referrer"
      onError={() => setBroken(image)}
    />
  );
}
