import type { ComponentChildren } from 'preact';
import { useId, useRef } from 'preact/hooks';

/**
 * A button that deletes after a question. The focus is on keeping.
 * @param children the consequences, shown below the question.
 */
export function DeleteButton({
  name,
  question,
  disabled = false,
  onDelete,
  children,
}: {
  name: string;
  question: string;
  disabled?: boolean;
  onDelete: () => void;
  children: ComponentChildren;
}) {
  const title = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const keep = useRef<HTMLButtonElement>(null);
  return (
    <>
      <button
        type="button"
        class="quiet danger"
        disabled={disabled}
        onClick={() => {
          dialog.current?.showModal();
          keep.current?.focus();
        }}
      >
        {name}
      </button>
      <dialog ref={dialog} aria-labelledby={title}>
        <h2 id={title}>{question}</h2>
        <p>{children}</p>
        <form method="dialog" class="actions">
          <button type="submit" ref={keep}>
            Keep
          </button>
          <button type="submit" class="destroy" onClick={onDelete}>
            Delete
          </button>
        </form>
      </dialog>
    </>
  );
}
