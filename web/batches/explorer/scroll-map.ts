/**
 * The maximum height of scrolled content in px. Browsers cut off an element after about 17 million px (Firefox) or 33
 * million px (Chromium), which a list of a million rows would exceed.
 */
export const maxHeight = 10_000_000;
/**
 * The length in px of the two ends of a list in which the list moves by exactly as many px as the scroll bar. The user
 * can thus reach each of the first and last rows.
 */
const exactPart = 1_000_000;
/** The share of the scroll range that is visible as one px, on a scroll bar of 1,000 px. */
const visibleShare = 0.001;

/**
 * Converts between the scroll position of a box and the position in its list. The list may be higher than browsers can
 * scroll.
 */
export interface ScrollMap {
  /** The height of the scrolled content, in px. */
  height: number;
  /** The largest scroll position. The next field is the largest position in the list. */
  lastScroll: number;
  lastPosition: number;
  toPosition(scrollTop: number): number;
  toScroll(position: number): number;
}

/**
 * Creates the conversion for a list of `listHeight` px in a box of `boxHeight` px. If the browser can scroll the whole
 * list, the position in the list equals the scroll position.
 */
export function scrollMapOf(listHeight: number, boxHeight: number): ScrollMap {
  const height = Math.min(listHeight, maxHeight);
  const lastScroll = Math.max(0, height - boxHeight);
  const lastPosition = Math.max(0, listHeight - boxHeight);
  const ratio = height === listHeight ? 1 : (lastPosition - 2 * exactPart) / (lastScroll - 2 * exactPart);
  return {
    ...{ height, lastScroll, lastPosition },
    toPosition(scrollTop) {
      if (ratio === 1 || scrollTop <= exactPart) return scrollTop;
      if (scrollTop >= lastScroll - exactPart) return lastPosition - (lastScroll - scrollTop);
      return exactPart + (scrollTop - exactPart) * ratio;
    },
    toScroll(position) {
      if (ratio === 1 || position <= exactPart) return position;
      if (position >= lastPosition - exactPart) return lastScroll - (lastPosition - position);
      return exactPart + (position - exactPart) / ratio;
    },
  };
}

/** A scroll position, with the position in the list that is shown there. */
export interface ScrollPlace {
  scrollTop: number;
  position: number;
  /** The scroll position before the last correction, which changed it to `scrollTop`. */
  correctedFrom?: number;
}

/**
 * Returns the new scroll position and the new position in the list after a scroll. A short scroll (by wheel, touch or
 * key) moves the list by as many px. A long scroll (by the scroll bar) leads to the position in the list that the
 * conversion gives.
 */
export function afterScroll(map: ScrollMap, place: ScrollPlace, scrollTop: number, boxHeight: number): ScrollPlace {
  const isNear = (from: number) => Math.abs(scrollTop - from) <= 2 * boxHeight;
  const { correctedFrom } = place;
  // Browsers scroll in a separate thread. That thread may not know the last correction, and then continues from the
  // scroll position before it.
  const from = isNear(place.scrollTop) || correctedFrom === undefined ? place.scrollTop : correctedFrom;
  const isShort = isNear(from) && scrollTop > 0 && scrollTop < map.lastScroll - 1;
  if (!isShort) return { scrollTop, position: map.toPosition(Math.min(scrollTop, map.lastScroll)) };
  return { scrollTop, position: Math.min(map.lastPosition, Math.max(0, place.position + scrollTop - from)) };
}

/**
 * Corrects the scroll position so that it fits the position in the list, from which short scrolls make it differ.
 * Returns undefined if no correction is needed. Near the ends of the list, every px of difference is corrected, because
 * scrolls end there. Elsewhere, only a difference that is visible on the scroll bar is corrected.
 */
export function corrected(map: ScrollMap, place: ScrollPlace): ScrollPlace | undefined {
  const scrollTop = Math.round(map.toScroll(place.position));
  const isAtEnd = Math.min(place.scrollTop, map.lastScroll - place.scrollTop) <= exactPart;
  const wrongBy = Math.abs(scrollTop - place.scrollTop);
  if (wrongBy <= (isAtEnd ? 1 : map.height * visibleShare)) return undefined;
  return { scrollTop, position: place.position, correctedFrom: place.scrollTop };
}
