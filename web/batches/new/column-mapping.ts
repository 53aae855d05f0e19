import { usualColumn } from '../../../shared/column-names.ts';
import { isSwapped, looksLikeImage } from '../../../shared/image-paths.ts';
import { type Cell, cellText, mayBeImage } from './files/cell.ts';

/** The column names for image, text and id. `id` is empty if no column has ids. */
export interface ColumnMapping {
  image: string;
  text: string;
  id: string;
}

/** Guesses the columns from their names, then from their values. A name stays empty if no column fits. */
export function guessColumns(columns: readonly string[], rows: readonly (readonly Cell[])[]): ColumnMapping {
  const taken = new Set<string>();
  const take = (column: string | undefined): string => {
    if (column === undefined) return '';
    taken.add(column);
    return column;
  };
  const valuesOf = (column: string) => rows.map((row) => cellText(row[columns.indexOf(column)] ?? ''));
  const free = () => columns.filter((column) => !taken.has(column));
  const named = (part: keyof ColumnMapping) => usualColumn(part, free());

  const having = (isWanted: (cell: Cell) => boolean) =>
    columns.filter((_, at) => rows.some((row) => isWanted(row[at] ?? '')));
  const inFile = having((cell) => cell instanceof Blob);
  const image = take(
    usualColumn('image', inFile) ??
      inFile[0] ??
      usualColumn('image', having(mayBeImage)) ??
      named('image') ??
      free().find((column) => valuesOf(column).some(looksLikeImage)),
  );
  const id = take(named('id'));
  const length = (column: string) => valuesOf(column).reduce((sum, value) => sum + value.length, 0);
  const longest = () =>
    free()
      .filter((column) => valuesOf(column).some((value) => /\p{L}/u.test(value)))
      .sort((a, b) => length(b) - length(a))[0];
  const text = take(named('text') ?? longest());
  return { image, text, id };
}

/** Returns true if all rows seem to have their text in the column of the images, and the other way round. */
export function areColumnsSwapped(
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
  { image, text }: Pick<ColumnMapping, 'image' | 'text'>,
): boolean {
  const [imageAt, textAt] = [columns.indexOf(image), columns.indexOf(text)];
  return (
    rows.length > 0 &&
    rows.every((row) => {
      const [first, second] = [row[imageAt], row[textAt]];
      return typeof first === 'string' && typeof second === 'string' && isSwapped(first, second);
    })
  );
}

/** Returns why the batch cannot be posted; undefined if it can. */
export function mappingError({ image, text, id }: ColumnMapping): string | undefined {
  if (image === '') return 'Choose the column with the images.';
  if (text === '') return 'Choose the column with the texts.';
  if (image === text || (id !== '' && (id === image || id === text)))
    return 'Image, text and id must be different columns.';
  return undefined;
}
