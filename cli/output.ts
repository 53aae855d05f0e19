import { styleText } from 'node:util';

/** What a command is told about its surroundings. */
export interface Terminal {
  /** For results: people's words, or one JSON value with `--json`. */
  stdout: NodeJS.WriteStream;
  /** For progress, warnings and failures. */
  stderr: NodeJS.WriteStream;
}

type Style = Parameters<typeof styleText>[0];

/** Coloured on a terminal, plain elsewhere and where NO_COLOR is set. */
export const styled = (stream: NodeJS.WriteStream, style: Style, text: string): string =>
  styleText(style, text, { stream });

/** Rows as columns of equal width; the first row is the heading. */
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
