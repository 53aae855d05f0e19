import { useEffect, useState } from 'preact/hooks';

/** The view that the part of the URL after `#` selects. */
export type PageRoute =
  | { view: 'try' | 'batches' | 'new-batch' | 'models' | 'traffic' | 'health' | 'unknown' }
  | { view: 'batch'; id: string; tab: BatchTab };

/** The parts of a batch's view. */
export const batchTabs = ['scores', 'pairs', 'judge'] as const;
export type BatchTab = (typeof batchTabs)[number];

export function routeOf(hash: string): PageRoute {
  const [path = ''] = hash.replace(/^#\/?/, '').split('?', 1);
  const [first = '', second, third] = path.split('/');
  if (first === '' || first === 'try') return { view: 'try' };
  if (first === 'models' || first === 'traffic' || first === 'health') return { view: first };
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
  models: '#/models',
  traffic: '#/traffic',
  health: '#/health',
} as const;

/** Returns the current route, and updates when the URL changes. */
export function useRoute(): PageRoute {
  const [route, setRoute] = useState(() => routeOf(location.hash));
  useEffect(() => {
    const follow = () => setRoute(routeOf(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return route;
}
