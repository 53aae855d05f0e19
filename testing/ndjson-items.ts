/** Yields `count` items as NDJSON, in strings of about 60 KB. */
export function* ndjsonItems(count: number): Generator<string> {
  const perPart = 500;
  for (let from = 0; from < count; from += perPart) {
    let part = '';
    for (let index = from; index < Math.min(count, from + perPart); index++) {
      const image = `https://cdn.example.org/images/2026/11/photo-${index}.jpg`;
      part += `{"id":"item-${index}","image":"${image}","text":"a photo of thing number ${index} on a table"}\n`;
    }
    yield part;
  }
}
