import type { RequestFailed } from '../http/client.ts';

/** What went wrong, with what to quote when asking about it. */
export function ProblemBox({ failure, retry }: { failure: RequestFailed; retry?: () => void }) {
  const { title, message, problem } = failure;
  const faults = problem?.errors ?? [];
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{title}.</strong> {message}
      </p>
      {faults.length > 1 && (
        <ul>
          {faults.slice(0, 5).map(({ path, message: fault }) => (
            <li key={path}>
              <code>{path}</code>: {fault}
            </li>
          ))}
        </ul>
      )}
      {problem !== undefined && (
        <p class="fine soft">
          <code>{problem.code}</code>, request <code>{problem.requestId}</code>
        </p>
      )}
      {retry !== undefined && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
