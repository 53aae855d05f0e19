/** A range of scores of a model and its usual meaning. */
export interface Band {
  from: number;
  word: string;
  meaning: string;
}

export interface Scale {
  /** A score that fills its bar. Hardly any pair scores higher. */
  top: number;
  /** The ranges of scores, the lowest first; empty if they were not measured. */
  bands: Band[];
  /** The initial threshold. */
  threshold: number;
  note: string;
}

// Measured with six photos: right captions score 40 to 57, wrong captions up to 15. See the model card.
const compact: Scale = {
  top: 70,
  bands: [
    { from: 0, word: 'no match', meaning: 'captions of the other example photos score up to 15' },
    { from: 16, word: 'unclear', meaning: 'between the scores of wrong and right captions' },
    { from: 40, word: 'good match', meaning: 'right captions of the example photos score 40 to 70' },
  ],
  threshold: 40,
  note: 'compact is not CLIP: its scores are higher, it reads only English, knows only everyday things, and ignores negation, counts, colours and actions. Thresholds for CLIP do not apply.',
};

// A good match has a cosine of 0.25 to 0.35 (model card of compact, comparison). With ViT-B/32, LAION kept pairs from a
// cosine of 0.30 (400 million pairs, arXiv 2111.02114) and 0.28 (2 billion English pairs, arXiv 2210.08402).
const vitB32: Scale = {
  top: 40,
  bands: [
    { from: 0, word: 'no match', meaning: 'usual for a text about something else' },
    { from: 20, word: 'weak', meaning: 'something in common with the image, seldom the right caption' },
    { from: 25, word: 'good match', meaning: 'usual for a fitting caption' },
    {
      from: 30,
      word: 'close match',
      meaning: 'above the thresholds by which large data sets were filtered (28 to 30)',
    },
  ],
  threshold: 28,
  note: 'The bands are typical for ViT-B/32. They shift with the kind of image and with long texts.',
};

/** Returns the scale of a model, without bands if its scores were not measured. */
export function scaleOf(model: string): Scale {
  if (model.startsWith('compact')) return compact;
  if (/vit-?b-?(\/|-)?32/i.test(model)) return vitB32;
  return {
    top: 50,
    bands: [],
    threshold: 25,
    note: 'No bands are documented for this model. First score some pairs that you know to be right or wrong, and compare with their scores.',
  };
}

export const edgesOf = ({ bands, threshold }: Scale): number[] => [...bands.map(({ from }) => from), threshold];

/** Describes the scores of a band, such as `16 to 40`. */
export function rangeWords({ bands }: Pick<Scale, 'bands'>, band: Band): string {
  const above = bands[bands.indexOf(band) + 1];
  if (above === undefined) return `${band.from} and more`;
  return band.from === 0 ? `below ${above.from}` : `${band.from} to ${above.from}`;
}

export const bandOf = (scale: Scale, score: number): Band | undefined =>
  scale.bands.findLast(({ from }) => score >= from);
