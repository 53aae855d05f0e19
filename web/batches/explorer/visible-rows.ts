import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { afterScroll, corrected, type ScrollPlace, scrollMapOf } from './scroll-map.ts';

/** The number of rows that are rendered above and below the visible ones, so that scrolling shows no gap. */
const spare = 6;
/** The time in ms without movement after which a scroll counts as ended, in browsers without an event for this. */
const restMs = 200;

/** The rows to render, and the empty space around them. */
export interface RenderedRows {
  /** The first rendered row. */
  from: number;
  /** The row after the last rendered one. */
  to: number;
  /** The empty space above and below the rendered rows, in px. */
  before: number;
  after: number;
}

export interface VisibleRows extends RenderedRows {
  /** Returns what must be rendered so that a row is at the top of the box, whatever the present scroll position. */
  startingAt(row: number): RenderedRows;
  /** Width of the scrolled box in px. */
  width: number;
  /** Scrolls so that a row is visible below the sticky header. */
  showRow(row: number): void;
  showStart(): void;
}

/**
 * Returns the range of rows of equal height that a scrolled box shows. Updates when the box scrolls or changes its
 * size.
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
  /** A scroll position that is set as soon as its rows are rendered. */
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

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    let timer: number | undefined;
    // The correction waits for the end of the scroll: a browser that is still moving the box to its target would add
    // the correction to that movement.
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
    // A list that has become shorter ends before the position.
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
    showStart: () => goTo(0),
  };
}
