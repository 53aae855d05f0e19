/**
 * The maximum height of scrolled content in px. Browsers cut off an element after about 17 million px (Firefox) or 33
 * million px (Chromium), which a list of a million rows would exceed.
 */
export const maxHeight = 10_000_000;
/**
 * The length in px at both ends of a list in which the list moves by exactly as many px as the scroll bar. The first
 * and the last rows can thus be reached one by one.
 */
const exactPart = 1_000_000;
/** The share of a scroll bar of 1,000 px that one px represents. */
const visibleShare = 0.001;

/** Converts the scroll position of a box to a position in a list that may be higher than browsers can scroll. */
export interface ScrollMap {
  /** The height of the scrolled content, in px. */
  height: number;
  /** The largest scroll position, followed by the largest position in the list. */
  lastScroll: number;
  lastPosition: number;
  toPosition(scrollTop: number): number;
  toScroll(position: number): number;
}

/**
 * Creates the conversion for a list of `listHeight` px in a box of `boxHeight` px. For a list that is not too high,
 * both positions are equal.
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
  /** The scroll position from which it was corrected to `scrollTop`. */
  correctedFrom?: number;
}

/**
 * Returns the place after a scroll. A short scroll (by wheel, touch or key) moves the list by as many px. A long one
 * (by the scroll bar) leads to the position that the conversion gives.
 */
export function afterScroll(map: ScrollMap, place: ScrollPlace, scrollTop: number, boxHeight: number): ScrollPlace {
  const isNear = (from: number) => Math.abs(scrollTop - from) <= 2 * boxHeight;
  const { correctedFrom } = place;
  // Browsers scroll in a separate thread, which may continue from the scroll position before a correction.
  const from = isNear(place.scrollTop) || correctedFrom === undefined ? place.scrollTop : correctedFrom;
  const isShort = isNear(from) && scrollTop > 0 && scrollTop < map.lastScroll - 1;
  if (!isShort) return { scrollTop, position: map.toPosition(Math.min(scrollTop, map.lastScroll)) };
  return { scrollTop, position: Math.min(map.lastPosition, Math.max(0, place.position + scrollTop - from)) };
}

/**
 * Returns the place with the scroll position that belongs to its position in the list, or undefined for a place that
 * needs no correction. Short scrolls make the two differ. At the ends of the list every px of difference is corrected,
 * because scrolls end there; elsewhere only a difference that the scroll bar would show.
 */
export function corrected(map: ScrollMap, place: ScrollPlace): ScrollPlace | undefined {
  const scrollTop = Math.round(map.toScroll(place.position));
  const isAtEnd = Math.min(place.scrollTop, map.lastScroll - place.scrollTop) <= exactPart;
  const wrongBy = Math.abs(scrollTop - place.scrollTop);
  if (wrongBy <= (isAtEnd ? 1 : map.height * visibleShare)) return undefined;
  return { scrollTop, position: place.position, correctedFrom: place.scrollTop };
}
