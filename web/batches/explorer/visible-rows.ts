import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { afterScroll, corrected, type ScrollPlace, scrollMapOf } from './scroll-map.ts';

/** Rows rendered above and below the visible ones, so that scrolling shows no gap. */
const spare = 6;
/** In browsers without the `scrollend` event, a scroll ends after this time in ms without movement. */
const restMs = 200;

/** Browsers round scroll positions. A row that is hidden by less than this is the first visible one. */
const roundedPx = 2;

export interface RenderedRows {
  from: number;
  to: number;
  /** The height in px of the empty space above the rendered rows. `after` is the height below them. */
  before: number;
  after: number;
}

export interface VisibleRows extends RenderedRows {
  /** The first row below the sticky header. A part of it may be hidden. */
  first: number;
  /** Returns the rows to render with the given row at the top of the box. */
  startingAt(row: number): RenderedRows;
  /** The width of the box in px. */
  width: number;
  /** Scrolls the box until the row is visible below the sticky header. */
  showRow(row: number): void;
  /** Scrolls the box until the row is the first visible one, or to the end of the list. */
  showFirst(row: number): void;
}

/**
 * Returns the rows that a scrolling box shows, and follows scrolls and changes of its size. All rows have the same
 * height.
 */
export function useVisibleRows(
  box: RefObject<HTMLElement | null>,
  rowHeight: number,
  count: number,
  headerHeight: number,
): VisibleRows {
  const [size, setSize] = useState({ height: 800, width: 1000 });
  const [place, setPlace] = useState<ScrollPlace>({ scrollTop: 0, position: 0 });
  const map = scrollMapOf(count * rowHeight + headerHeight, size.height);
  const latest = useRef({ map, place, size });
  latest.current = { map, place, size };
  /** The scroll position to set after the next rendering, when the rows at that position exist. */
  const wanted = useRef<number | undefined>(undefined);

  function setScroll(next: ScrollPlace): void {
    wanted.current = next.scrollTop;
    latest.current.place = next;
    setPlace(next);
  }
  const goTo = (position: number) =>
    setScroll({ position, scrollTop: Math.round(latest.current.map.toScroll(position)) });
  useLayoutEffect(() => {
    if (wanted.current === undefined || box.current === null) return;
    box.current.scrollTop = wanted.current;
    wanted.current = undefined;
  });
  const heightBefore = useRef(rowHeight);
  useLayoutEffect(() => {
    // With other columns, the tiles of a gallery have another height. The same rows stay visible.
    const rows = latest.current.place.position / heightBefore.current;
    if (heightBefore.current !== rowHeight) goTo(Math.min(rows * rowHeight, latest.current.map.lastPosition));
    heightBefore.current = rowHeight;
  }, [rowHeight]);

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    let timer: number | undefined;
    // Corrects the position only now: during a scroll, the browser would add the correction to its own movement.
    const onScrollEnd = () => {
      const next = corrected(latest.current.map, latest.current.place);
      if (next !== undefined) setScroll(next);
    };
    const hasEndEvent = 'onscrollend' in element;
    const onScroll = () => {
      const { map: current, place: at, size: of } = latest.current;
      const next = afterScroll(current, at, element.scrollTop, of.height);
      latest.current.place = next;
      setPlace(next);
      if (hasEndEvent) return;
      clearTimeout(timer);
      timer = window.setTimeout(onScrollEnd, restMs);
    };
    const onSize = () => setSize({ height: element.clientHeight, width: element.clientWidth });
    onSize();
    const resized = new ResizeObserver(onSize);
    resized.observe(element);
    element.addEventListener('scroll', onScroll, { passive: true });
    element.addEventListener('scrollend', onScrollEnd);
    return () => {
      clearTimeout(timer);
      resized.disconnect();
      element.removeEventListener('scroll', onScroll);
      element.removeEventListener('scrollend', onScrollEnd);
    };
  }, [box]);

  function renderedAt(position: number): RenderedRows {
    const to = Math.min(count, Math.ceil((position + size.height) / rowHeight) + spare);
    const from = Math.max(0, Math.min(to, Math.floor(position / rowHeight) - spare));
    const before = Math.max(0, from * rowHeight - (position - Math.min(place.scrollTop, map.lastScroll)));
    return { from, to, before, after: Math.max(0, map.height - headerHeight - before - (to - from) * rowHeight) };
  }

  return {
    first: Math.floor((Math.min(place.position, map.lastPosition) + roundedPx) / rowHeight),
    // If the list has become shorter, the position may be beyond its end.
    ...renderedAt(Math.min(place.position, map.lastPosition)),
    startingAt: (row) => renderedAt(Math.min(row * rowHeight, map.lastPosition)),
    width: size.width,
    showRow(row) {
      const { place: at, size: of } = latest.current;
      const top = row * rowHeight;
      const bottom = top + rowHeight + headerHeight;
      if (top < at.position) goTo(top);
      else if (bottom > at.position + of.height) goTo(bottom - of.height);
    },
    showFirst: (row) => goTo(Math.min(row * rowHeight, latest.current.map.lastPosition)),
  };
}
