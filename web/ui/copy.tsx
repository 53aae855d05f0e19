import { useState } from 'preact/hooks';
import { Scrollable } from './scrollable.tsx';

/**
 * A text with a copy button. The button also selects the text, because pages over plain HTTP from another machine
 * cannot access the clipboard.
 */
export function Copyable({ label, text }: { label: string; text: string }) {
  const [copied, setCopied] = useState(false);
  const id = `copy-${label.replaceAll(/\W+/g, '-').toLowerCase()}`;
  const copy = async () => {
    const block = document.getElementById(id);
    if (block !== null) getSelection()?.selectAllChildren(block);
    await navigator.clipboard?.writeText(text);
    setCopied(navigator.clipboard !== undefined);
  };
  return (
    <div class="copyable">
      <Scrollable label={label}>
        <pre id={id}>{text.split(/(\s+)/).map((part, at) => (at % 2 === 1 ? part : <span key={at}>{part}</span>))}</pre>
      </Scrollable>
      <button type="button" class="quiet" onClick={() => void copy()} onBlur={() => setCopied(false)}>
        {copied ? 'Copied' : 'Copy'}
      </button>
    </div>
  );
}
