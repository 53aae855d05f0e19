import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { fetchJson, RequestFailed } from '../http/client.ts';
import { usePolled } from '../http/use-polled.ts';

/** The tenant and the role of the user, from `GET /session`. */
export interface Session {
  authenticated: boolean;
  tenant: string | null;
  role: 'tenant' | 'operator' | null;
  keysRequired: boolean;
}

/** The session of a service without sign-in: everybody has all rights. */
const open: Session = { authenticated: true, tenant: 'default', role: 'operator', keysRequired: false };

export const SessionContext = createContext<Session | undefined>(undefined);

/** Returns the session; undefined while it loads. */
export const useSession = (): Session | undefined => useContext(SessionContext);

/**
 * Returns true if the user may see the metrics and queues of all tenants. Only operators may, except on a service
 * without sign-in.
 */
export const mayOperate = (session: Session | undefined): boolean =>
  session !== undefined && (!session.keysRequired || session.role === 'operator');

/** The time in ms until a session that could not be loaded is requested again. */
const againMs = 3_000;

export function useSessionFromServer(): Session | undefined {
  return usePolled('session', loadSession, (known) => (known === undefined ? againMs : undefined)).value;
}

async function loadSession(signal: AbortSignal): Promise<Session> {
  try {
    return await fetchJson<Session>('session', { signal });
  } catch (error) {
    if (error instanceof RequestFailed && error.status === 404) return open;
    throw error;
  }
}

export function SignedIn() {
  const session = useSession();
  if (session === undefined || !session.keysRequired || !session.authenticated) return null;
  return (
    <div class="signed-in">
      <span class="soft cut">
        <span class="visually-hidden">Signed in as </span>
        <bdi>{session.tenant}</bdi>
        {session.role === 'operator' && ' (operator)'}
      </span>
      <button type="button" class="quiet" onClick={() => void signOut()}>
        Sign out
      </button>
    </div>
  );
}

async function signOut(): Promise<void> {
  await fetchJson('session', { method: 'DELETE' });
  location.reload();
}
