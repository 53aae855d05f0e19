/** Names that tables use for the columns of image, text and id, the most likely first. Lower case, with underscores. */
const usual = {
  image: [
    'image',
    'image_url',
    'imageurl',
    'url',
    'img',
    'photo',
    'picture',
    'src',
    'link',
    'image_link',
    'image_path',
    'file',
    'path',
  ],
  text: ['text', 'caption', 'prompt', 'description', 'title', 'alt', 'alt_text', 'label', 'sentence', 'name'],
  id: ['id', 'key', 'uuid', 'sku', 'uid', 'item_id', 'sample_id', 'index'],
} as const;

/** Returns the column that has a usual name of an image, text or id; undefined if there is none. */
export const usualColumn = (part: keyof typeof usual, columns: readonly string[]): string | undefined =>
  usual[part]
    .map((name) => columns.find((column) => column.toLowerCase().replaceAll(/[\s-]/g, '_') === name))
    .find((column) => column !== undefined);
