import { readable } from '../testing/readable.ts';

/**
 * The target of a measured value. `least` is the lowest value that meets the target, `most` the highest. A measured
 * value without a target is only compared with earlier runs.
 */
export type Target = { least: number } | { most: number };

/** A measured value. It is shown as one line of the table of results. */
export interface Figure {
  /** The id of the measured value, `<section>/<name>`. It is the same in each run, so that runs can be compared. */
  id: string;
  name: string;
  value: number;
  /** The unit of the value; empty for a ratio. */
  unit: string;
  target?: Target;
  /** Text with the values from which this value was computed. */
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

/** Formats measured values and their targets as a table. */
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

/** Formats rows with aligned columns. */
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
