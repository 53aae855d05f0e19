import { readable } from '../testing/readable.ts';

/** The lowest or highest value that meets a target. */
export type Target = { least: number } | { most: number };

export interface Figure {
  /** `<section>/<name>`, the same in each run, so that runs can be compared. */
  id: string;
  name: string;
  value: number;
  /** Empty for a ratio. */
  unit: string;
  target?: Target;
  /** The values from which this one was computed, as text. */
  detail: string;
}

export const least = (value: number): Target => ({ least: value });
export const most = (value: number): Target => ({ most: value });

export const figure = (
  id: string,
  name: string,
  value: number,
  unit: string,
  detail: string,
  target?: Target,
): Figure => ({ id, name, value, unit, detail, ...(target !== undefined && { target }) });

export const isMet = (figure: Figure): boolean | undefined => {
  if (figure.target === undefined) return undefined;
  return 'least' in figure.target ? figure.value >= figure.target.least : figure.value <= figure.target.most;
};

const targetOf = ({ target }: Figure): string => {
  if (target === undefined) return '';
  return 'least' in target ? `>= ${readable(target.least)}` : `<= ${readable(target.most)}`;
};

export function tableOf(figures: readonly Figure[]): string {
  return table(
    ['figure', '', 'value', 'target', '', 'made of'],
    figures.map((figure) => {
      const met = isMet(figure);
      return [
        figure.id.split('/', 1)[0] ?? '',
        figure.name,
        `${readable(figure.value)} ${figure.unit}`.trim(),
        targetOf(figure),
        met === undefined ? '' : met ? 'met' : 'MISSED',
        figure.detail,
      ];
    }),
  );
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
