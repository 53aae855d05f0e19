import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';

const folder = new URL('../../dashboards/', import.meta.url);

interface Source {
  type: string;
  uid: string;
}
export interface Panel {
  id: number;
  type: string;
  title: string;
  datasource?: Source;
  targets?: { datasource: Source; expr?: string }[];
}
export interface Dashboard {
  file: string;
  uid: string;
  title: string;
  panels: Panel[];
  templating: { list: { name: string; definition: string }[] };
  annotations: { list: { expr: string }[] };
}
export interface WrittenRule {
  record?: string;
  alert?: string;
  expr: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export const dashboards: Dashboard[] = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((file) => ({ file, ...JSON.parse(readFileSync(new URL(file, folder), 'utf8')) }));

export const rules: WrittenRule[] = readdirSync(folder)
  .filter((name) => name.endsWith('.rules.yml'))
  .flatMap((file) => {
    const { groups } = parse(readFileSync(new URL(file, folder), 'utf8')) as { groups: { rules: WrittenRule[] }[] };
    return groups.flatMap((group) => group.rules);
  });

/** Queries that panels put to Prometheus, as Grafana sends them when every choice is "All". */
export const panelQueries: { where: string; query: string }[] = dashboards.flatMap(({ title, panels }) =>
  panels.flatMap((panel) =>
    (panel.targets ?? []).flatMap(({ expr }) =>
      expr === undefined ? [] : [{ where: `${title}: ${panel.title}`, query: asSent(expr) }],
    ),
  ),
);

function asSent(expr: string): string {
  return expr.replaceAll('$__rate_interval', '1m').replace(/\$(queue|profile|model)\b/g, '.*');
}

/** Names of metrics in a query: ours, what our rules record, and what comes with every process or scrape. */
export const metricsIn = (query: string): string[] => [
  ...new Set(query.replace(/"[^"]*"/g, '').match(/\b(vls[_:][\w:]*|(?:nodejs|process)_\w+|up)\b/g) ?? []),
];
