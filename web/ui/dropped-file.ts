import { useEffect, useRef, useState } from 'preact/hooks';

/**
 * Receives a file that the user drops anywhere on the page, or pastes. Otherwise the browser would leave the page to
 * open a dropped file.
 * @returns true while the user drags a file over the page.
 */
export function useDroppedFile(onFile: (file: File) => void): boolean {
  const [over, setOver] = useState(false);
  const take = useRef(onFile);
  take.current = onFile;
  useEffect(() => {
    const onDrag = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      setOver(event.type === 'dragover');
      const file = event.type === 'drop' ? event.dataTransfer.files[0] : undefined;
      if (file !== undefined) take.current(file);
    };
    const onPaste = (event: ClipboardEvent) => {
      const file = event.clipboardData?.files[0];
      if (file !== undefined) take.current(file);
    };
    const drags = ['dragover', 'dragleave', 'drop'] as const;
    for (const type of drags) addEventListener(type, onDrag);
    addEventListener('paste', onPaste);
    return () => {
      for (const type of drags) removeEventListener(type, onDrag);
      removeEventListener('paste', onPaste);
    };
  }, []);
  return over;
}
