import { itemError } from '../../shared/errors.ts';
import type { StoredItem } from '../store/payload.ts';

/** The number of texts from which the text for an image is chosen. */
const choice = 256;

/**
 * Gives each image the text of a row with another image and another text, so that the pair is wrong. An unreadable item
 * is unchanged. Without such a row, the item gets an error.
 * @param donors yields the rows with texts. Called at most twice, because rows without a text would never give one.
 */
export async function* withOtherTexts(
  items: AsyncIterable<StoredItem[]>,
  donors: () => AsyncIterable<StoredItem[]>,
): AsyncGenerator<StoredItem[]> {
  const given = textsOf(donors);
  const pool: Giver[] = [];
  let isEmpty = false;
  async function fill(): Promise<void> {
    while (pool.length < choice && !isEmpty) {
      const next = await given.next();
      if (next.done) isEmpty = true;
      else pool.push(...next.value);
    }
  }
  for await (const some of items) {
    await fill();
    const changed: StoredItem[] = [];
    for (const item of some) {
      const own = giverOf(item);
      if ('error' in item || own === undefined) {
        changed.push(item);
        continue;
      }
      const at = pool.findIndex(({ image, key }) => image !== own.image && key !== own.key);
      const [giver] = at < 0 ? [] : pool.splice(at, 1);
      if (pool.length < choice / 2) await fill();
      changed.push(
        giver === undefined
          ? {
              ...item,
              error: itemError('item.invalid', 'no other item of the batch has both another image and another text'),
            }
          : { ...item, text: giver.text },
      );
    }
    yield changed;
  }
  await given.return(undefined);
}

/** A row that can give its text. `key` is the trimmed text in lower case. */
interface Giver {
  image: string;
  text: string;
  key: string;
}

async function* textsOf(donors: () => AsyncIterable<StoredItem[]>): AsyncGenerator<Giver[], undefined, undefined> {
  for (let round = 0; round < 2; round++) {
    for await (const some of donors()) {
      yield some.flatMap((item) => giverOf(item) ?? []);
    }
  }
}

function giverOf(item: StoredItem): Giver | undefined {
  if ('error' in item || item.text.trim() === '') return undefined;
  const { image, text } = item;
  return { image: typeof image === 'string' ? image : JSON.stringify(image), text, key: text.trim().toLowerCase() };
}
