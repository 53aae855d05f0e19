import { useLayoutEffect, useState } from 'preact/hooks';
import { useWidth } from './use-width.ts';

/** A text that may be very long. The style sheet limits its lines until the user shows all of it. */
export function LongText({ text, class: name }: { text: string; class: string }) {
  const [box, width] = useWidth();
  const [isCut, setCut] = useState(false);
  const [isOpen, setOpen] = useState(false);
  useLayoutEffect(() => {
    const shown = box.current?.querySelector('p');
    if (shown !== null && shown !== undefined && !isOpen) setCut(shown.scrollHeight > shown.clientHeight + 1);
  }, [text, width, isOpen]);
  return (
    <div ref={box}>
      <p class={isOpen ? name : `${name} six-lines`} dir="auto">
        {text}
      </p>
      {isCut && (
        <button type="button" class="link" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'Show less' : 'Show all'}
        </button>
      )}
    </div>
  );
}
