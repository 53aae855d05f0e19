import { useLayoutEffect, useRef, useState } from 'preact/hooks';

/** Returns a reference to set on an element, and the width of the element in px. */
export function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(800);
  // A layout effect, so that nothing wider than the page is ever painted.
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = () => setWidth(element.clientWidth);
    look();
    const resized = new ResizeObserver(look);
    resized.observe(element);
    return () => resized.disconnect();
  }, []);
  return [box, width] as const;
}
