/**
 * The maximum height of scrolled content in px. Firefox cuts elements off after about 17 million px, Chromium after 33
 * million. A million rows need 60 million.
 */
export const maxHeight = 10_000_000;
/**
 * At each end of a list, over this length in px, the list moves by as many px as the scroll bar. So every first and
 * last row is reachable.
 */
const exactPart = 1_000_000;
/** One px of a scroll bar of 1,000 px, as a share of the scroll range. */
const visibleShare = 0.001;

/**
 * Converts between scroll positions and positions in a list that may be higher than browsers can scroll. All are in px.
 */
export interface ScrollMap {
  height: number;
  /** The largest scroll position. `lastPosition` is the largest position in the list. */
  lastScroll: number;
  lastPosition: number;
  toPosition(scrollTop: number): number;
  toScroll(position: number): number;
}

/**
 * Creates the conversion for a list of `listHeight` px in a box of `boxHeight` px. If the browser can scroll the whole
 * list, both positions are equal.
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

/** A scroll position, and the position in the list that is shown there. */
export interface ScrollPlace {
  scrollTop: number;
  position: number;
  /** The scroll position before the last correction. */
  correctedFrom?: number;
}

/**
 * Returns the position after a scroll. A short scroll (wheel, touch, key) moves the list by as many px. After a long
 * one (scroll bar), the position is converted.
 */
export function afterScroll(map: ScrollMap, place: ScrollPlace, scrollTop: number, boxHeight: number): ScrollPlace {
  const isNear = (from: number) => Math.abs(scrollTop - from) <= 2 * boxHeight;
  const { correctedFrom } = place;
  // Browsers scroll in a separate thread. If it does not know the last correction yet, it continues from the position
  // before it.
  const from = isNear(place.scrollTop) || correctedFrom === undefined ? place.scrollTop : correctedFrom;
  const isShort = isNear(from) && scrollTop > 0 && scrollTop < map.lastScroll - 1;
  if (!isShort) return { scrollTop, position: map.toPosition(Math.min(scrollTop, map.lastScroll)) };
  return { scrollTop, position: Math.min(map.lastPosition, Math.max(0, place.position + scrollTop - from)) };
}

/**
 * Corrects the scroll position, which short scrolls move away from the position in the list. Returns undefined if the
 * difference does not matter: near the ends at most 1 px, because scrolls end there; elsewhere too little to see on the
 * scroll bar.
 */
export function corrected(map: ScrollMap, place: ScrollPlace): ScrollPlace | undefined {
  const scrollTop = Math.round(map.toScroll(place.position));
  const isAtEnd = Math.min(place.scrollTop, map.lastScroll - place.scrollTop) <= exactPart;
  const wrongBy = Math.abs(scrollTop - place.scrollTop);
  if (wrongBy <= (isAtEnd ? 1 : map.height * visibleShare)) return undefined;
  return { scrollTop, position: place.position, correctedFrom: place.scrollTop };
}
