import { useState } from 'preact/hooks';
import { isStored, withoutAddress } from './image-address.ts';

/**
 * Shows an image from its address, without a referrer, or a word if it cannot be shown.
 * @param path the path of an image without an address, for the tooltip.
 * @param shown true to load images from other hosts. Those of the service are always loaded.
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
  if (!shown && !isStored(image)) return <span class="none">hidden</span>;
  if (brokenImage === image) {
    return (
      <span class="none" title="It could not be loaded, or the browser cannot show its format">
        no image
      </span>
    );
  }
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
