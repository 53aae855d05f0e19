import { useEffect, useRef, useState } from 'preact/hooks';
import { BatchView } from '../batches/batch-view.tsx';
import { ListView } from '../batches/list-view.tsx';
import { LazyNewView } from '../batches/new/lazy-new-view.tsx';
import { SystemView } from '../system/system-view.tsx';
import { TryView } from '../try/try-view.tsx';
import { addressOf, type PageRoute, useRoute } from './route.ts';
import { SessionContext, SignedIn, useSessionFromServer } from './session.tsx';
import { applyTheme, storedTheme, type Theme } from './theme.ts';

const titles: Record<PageRoute['view'], string> = {
  try: 'Try it',
  batches: 'Batches',
  'new-batch': 'New batch',
  batch: 'Batch',
  system: 'System',
  unknown: 'Page not found',
};

export function Shell() {
  const route = useRoute();
  const session = useSessionFromServer();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const viewKey = route.view === 'batch' ? route.id : route.view;

  useEffect(() => {
    document.title = `${titles[route.view]} · Vision-language similarity`;
    if (first.current) first.current = false;
    else {
      // A new view begins at its top, like a newly loaded page.
      scrollTo(0, 0);
      main.current?.focus({ preventScroll: true });
    }
  }, [viewKey]);

  return (
    <SessionContext.Provider value={session}>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <header class="top">
        <div class="bar">
          <a class="brand" href={addressOf.try}>
            <Mark />
            <span>Similarity</span>
          </a>
          <nav aria-label="Views">
            <ul>
              <NavLink href={addressOf.try} current={route.view === 'try'}>
                Try it
              </NavLink>
              <NavLink href={addressOf.batches} current={['batches', 'batch', 'new-batch'].includes(route.view)}>
                Batches
              </NavLink>
              <NavLink href={addressOf.system()} current={route.view === 'system'}>
                System
              </NavLink>
            </ul>
          </nav>
          <div class="end">
            <SignedIn />
            <ThemeButton />
          </div>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1} class={route.view === 'batch' && route.tab === 'pairs' ? 'wide' : ''}>
        <View key={viewKey} route={route} />
      </main>
      <footer class="bottom">
        <p class="soft">
          A score is 100 × the cosine of two embeddings, and 0 for a negative cosine. <a href="docs">API</a>
        </p>
      </footer>
    </SessionContext.Provider>
  );
}

function View({ route }: { route: PageRoute }) {
  switch (route.view) {
    case 'try':
      return <TryView />;
    case 'batches':
      return <ListView />;
    case 'new-batch':
      return <LazyNewView />;
    case 'batch':
      return <BatchView id={route.id} tab={route.tab} />;
    case 'system':
      return <SystemView tab={route.tab} />;
    case 'unknown':
      return (
        <>
          <h1>Page not found</h1>
          <p>
            There is no page at this address. <a href={addressOf.try}>Try a score</a>, or see{' '}
            <a href={addressOf.batches}>your batches</a>.
          </p>
        </>
      );
  }
}

function NavLink({ href, current, children }: { href: string; current: boolean; children: string }) {
  return (
    <li>
      <a href={href} aria-current={current ? 'page' : undefined}>
        {children}
      </a>
    </li>
  );
}

const nextTheme: Record<Theme, Theme> = { system: 'dark', dark: 'light', light: 'system' };
const themeNames: Record<Theme, string> = { system: 'Auto', dark: 'Dark', light: 'Light' };

function ThemeButton() {
  const [theme, setTheme] = useState(storedTheme);
  return (
    <button
      type="button"
      class="quiet theme"
      aria-label={`Colours: ${themeNames[theme]}. Change`}
      onClick={() => {
        const next = nextTheme[theme];
        applyTheme(next);
        setTheme(next);
      }}
    >
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.5" />
        <path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor" />
      </svg>
      <span>{themeNames[theme]}</span>
    </button>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 32 20" aria-hidden="true">
      <circle cx="11" cy="10" r="8" fill="none" stroke="currentColor" stroke-width="2.5" />
      <circle cx="21" cy="10" r="8" fill="none" stroke="currentColor" stroke-width="2.5" />
    </svg>
  );
}
