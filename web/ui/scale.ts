/** A range of scores, and what a score in it usually means. */
export interface Band {
  from: number;
  word: string;
  meaning: string;
}

/** How to read the scores of one model. */
export interface Scale {
  /** Right end of a bar; hardly any pair scores more. */
  top: number;
  /** Lowest first; empty where nothing has been measured. */
  bands: Band[];
  /** Where to begin when looking for a threshold. */
  threshold: number;
  note: string;
}

// Documented for this model with six photos: right captions 40 to 57, wrong ones up to 15. See its model card.
const compact: Scale = {
  top: 70,
  bands: [
    { from: 0, word: 'no match', meaning: 'captions of other photos score up to 15' },
    { from: 16, word: 'unclear', meaning: 'between what wrong and right captions score' },
    { from: 40, word: 'good match', meaning: 'right captions score 40 to 70' },
  ],
  threshold: 40,
  note: 'compact is not CLIP: its scores are higher, it knows everyday things only, and it overlooks negation, counts, colours and actions. Thresholds known for CLIP mean nothing here.',
};

// A good match has a cosine of 0.25 to 0.35 (model card of compact, comparison). LAION kept pairs from 0.30 for its
// 400 million (arXiv 2111.02114) and from 0.28 for its English 2 billion (arXiv 2210.08402), both with ViT-B/32.
const vitB32: Scale = {
  top: 40,
  bands: [
    { from: 0, word: 'no match', meaning: 'usual for a text about something else' },
    { from: 20, word: 'weak', meaning: 'something in common, seldom the right caption' },
    { from: 25, word: 'good match', meaning: 'usual for a fitting caption' },
    { from: 30, word: 'close match', meaning: 'above what large data sets were filtered at (28 to 30)' },
  ],
  threshold: 28,
  note: 'The bands are experience with ViT-B/32, not a law: they shift with the kind of image and with long texts.',
};

/** What is known of a model's scores. A model without documented bands gets none. */
export function scaleOf(model: string): Scale {
  if (model.startsWith('compact')) return compact;
  if (/vit-?b-?(\/|-)?32/i.test(model)) return vitB32;
  return {
    top: 50,
    bands: [],
    threshold: 25,
    note: 'No bands are documented for this model. Compare its scores with each other: score pairs that you know to be right and wrong first.',
  };
}

export const bandOf = (scale: Scale, score: number): Band | undefined =>
  scale.bands.findLast(({ from }) => score >= from);
