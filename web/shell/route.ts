import { useEffect, useState } from 'preact/hooks';
import { movedTo } from './former-address.ts';

export type PageRoute =
  | { view: 'try' | 'batches' | 'new-batch' | 'unknown' }
  | { view: 'system'; tab: SystemTab }
  | { view: 'batch'; id: string; tab: BatchTab };

export const batchTabs = ['scores', 'pairs', 'judge', 'compare'] as const;
export type BatchTab = (typeof batchTabs)[number];

/** The tabs in the view of the service itself. */
export const systemTabs = ['overview', 'models', 'traffic'] as const;
export type SystemTab = (typeof systemTabs)[number];

export function routeOf(hash: string): PageRoute {
  const [path = ''] = (movedTo(hash) ?? hash).replace(/^#\/?/, '').split('?', 1);
  const [first = '', second, third] = path.split('/');
  if (first === '' || first === 'try') return { view: 'try' };
  if (first === 'system') return { view: 'system', tab: systemTabs.find((tab) => tab === second) ?? 'overview' };
  if (first !== 'batches') return { view: 'unknown' };
  if (second === undefined || second === '') return { view: 'batches' };
  if (second === 'new') return { view: 'new-batch' };
  return { view: 'batch', id: second, tab: batchTabs.find((tab) => tab === third) ?? 'scores' };
}

export const addressOf = {
  try: '#/',
  batches: '#/batches',
  newBatch: '#/batches/new',
  batch: (id: string, tab: BatchTab = 'scores'): string => `#/batches/${id}${tab === 'scores' ? '' : `/${tab}`}`,
  system: (tab: SystemTab = 'overview'): string => `#/system${tab === 'overview' ? '' : `/${tab}`}`,
} as const;

export function useRoute(): PageRoute {
  const [route, setRoute] = useState(() => routeOf(location.hash));
  useEffect(() => {
    const follow = () => {
      const moved = movedTo(location.hash);
      if (moved !== undefined) history.replaceState(null, '', moved);
      setRoute(routeOf(location.hash));
    };
    follow();
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return route;
}
