import { styleText } from 'node:util';

export interface Terminal {
  /** For results: formatted text, or one JSON value with `--json`. */
  stdout: NodeJS.WriteStream;
  /** For progress, warnings and errors. */
  stderr: NodeJS.WriteStream;
}

type Style = Parameters<typeof styleText>[0];

/** Styles a text if the stream is a terminal and NO_COLOR is not set. */
export const styled = (stream: NodeJS.WriteStream, style: Style, text: string): string =>
  styleText(style, text, { stream });

/** Formats rows as columns of equal width. The first row is the heading. */
export function table(stream: NodeJS.WriteStream, rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const [heading = '', ...rest] = lines;
  return [styled(stream, 'bold', heading), ...rest].map((line) => `${line}\n`).join('');
}

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

export const megabytes = (bytes: number): string =>
  bytes < 100_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;

/** Formats an ISO time in UTC as `2026-11-27 19:25:22`. */
export const inUtc = (time: string): string => time.slice(0, 19).replace('T', ' ');
