import type { RequestFailed } from '../http/client.ts';
import { detailAfter } from './sentence.ts';

export function ProblemBox({ failure, retry }: { failure: RequestFailed; retry?: () => void }) {
  const { title, message, problem } = failure;
  const errors = problem?.errors ?? [];
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{title}.</strong> {detailAfter(title, message)}
      </p>
      {errors.length > 1 && (
        <ul>
          {errors.slice(0, 5).map(({ path, message: error }) => (
            <li key={path}>
              <code>{path}</code>: {error}
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
