import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** Rows rendered above and below the visible ones, so that a scroll shows no gap. */
const spare = 6;

export interface VisibleRows {
  /** The first rendered row. */
  from: number;
  /** The row after the last rendered one. */
  to: number;
  /** Width of the scrolled box in px. */
  width: number;
}

/** Returns which rows of equal height a scrolled box shows, and updates when it scrolls or changes its size. */
export function useVisibleRows(box: RefObject<HTMLElement | null>, rowHeight: number, count: number): VisibleRows {
  const [view, setView] = useState({ top: 0, height: 800, width: 1000 });
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = () => setView({ top: element.scrollTop, height: element.clientHeight, width: element.clientWidth });
    look();
    const resized = new ResizeObserver(look);
    resized.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      resized.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [box]);
  const from = Math.max(0, Math.floor(view.top / rowHeight) - spare);
  const to = Math.min(count, Math.ceil((view.top + view.height) / rowHeight) + spare);
  return { from: Math.min(from, to), to, width: view.width };
}

/** Scrolls a box so that a row of equal height is visible below its sticky header. */
export function scrollToRow(element: HTMLElement, row: number, rowHeight: number, headerHeight: number): void {
  const top = row * rowHeight;
  const bottom = top + rowHeight + headerHeight;
  if (top < element.scrollTop) element.scrollTop = top;
  else if (bottom > element.scrollTop + element.clientHeight) element.scrollTop = bottom - element.clientHeight;
}
