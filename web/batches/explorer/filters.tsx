import { useEffect, useState } from 'preact/hooks';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { type Code, codes } from '../../../shared/errors.ts';
import type { HashQuery } from '../../shell/hash-query.ts';
import * as numbers from '../../ui/numbers.ts';
import { OtherBatch } from '../other-batch.tsx';
import { type ExplorerQuery, isFiltered, noFilters } from './query.ts';

/** The time in ms after the last key press until a typed filter takes effect. */
const typingMs = 300;

export function Filters({ status, asked, set }: { status: BatchStatus; asked: ExplorerQuery; set: HashQuery['set'] }) {
  const upper = asked.max === undefined ? { word: 'to', value: '' } : numbers.upperLimit(asked.max);
  const failures = Object.entries(status.failures) as [Code, number][];
  return (
    <search class="filters">
      <Typed label="Search" name="q" type="search" value={asked.search} placeholder="Text or id" set={set} />
      <Typed label="Score from" name="min" type="number" value={textOf(asked.min)} set={set} />
      <Typed label={upper.word} name="max" type="number" value={upper.value} set={set} />
      <Choice
        label="Status"
        value={asked.status ?? ''}
        onChange={(value) => set({ status: value, code: value === 'failed' ? asked.code : undefined })}
        options={[
          ['', 'all'],
          ['succeeded', 'succeeded'],
          ['failed', 'failed'],
          ['cancelled', 'cancelled'],
        ]}
      />
      {failures.length > 0 && (
        <Choice
          label="Error"
          value={asked.code ?? ''}
          onChange={(code) => set({ code, ...(code !== '' && { status: 'failed' }) })}
          options={[
            ['', 'any'],
            ...failures.map(([code, count]): [string, string] => [
              code,
              `${codes[code].title} (${numbers.count(count)})`,
            ]),
          ]}
        />
      )}
      <Choice
        label="Order"
        value={asked.sort}
        onChange={(sort) => set({ sort: sort === 'order' ? undefined : sort })}
        options={[
          ['order', status.finishedAt === null ? 'as evaluated' : 'as posted'],
          ['-score', 'highest score first'],
          ['score', 'lowest score first'],
        ]}
      />
      <Choice
        label="Group by"
        value={asked.distinct ?? ''}
        onChange={(distinct) => set({ distinct, sameImageAs: undefined, samePairAs: undefined })}
        options={[
          ['', 'nothing'],
          ['image', 'image'],
          ['pair', 'image and text'],
        ]}
      />
      {(asked.sameImageAs ?? asked.samePairAs) !== undefined && (
        <p class="chip fine">
          {asked.sameImageAs === undefined ? 'same image and text' : 'same image'} as item{' '}
          {numbers.count(asked.sameImageAs ?? asked.samePairAs ?? 0)}
        </p>
      )}
      {asked.other !== undefined && (
        <p class="chip fine">
          in <OtherBatch id={asked.other} /> {limitWords(asked)}
        </p>
      )}
      {isFiltered(asked) && (
        <button type="button" class="quiet" onClick={() => set(noFilters)}>
          Clear filters
        </button>
      )}
    </search>
  );
}

function limitWords({ otherMin, otherMax, otherScored }: ExplorerQuery): string {
  if (!otherScored) return 'without a score';
  const from = otherMin === undefined ? '' : `from ${otherMin}`;
  const upper = otherMax === undefined ? undefined : numbers.upperLimit(otherMax);
  const to = upper === undefined ? '' : `${upper.word} ${upper.value}`;
  return `${from} ${to}`.trim() || 'scored too';
}

const textOf = (value: number | undefined): string => (value === undefined ? '' : String(value));

function Choice({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: string;
  options: [value: string, name: string][];
  onChange: (value: string) => void;
}) {
  return (
    <label class="filter">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([each, name]) => (
          <option key={each} value={each}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Typed({
  label,
  name,
  type,
  value,
  placeholder,
  set,
}: {
  label: string;
  name: 'q' | 'min' | 'max';
  type: 'search' | 'number';
  value: string;
  placeholder?: string | undefined;
  set: HashQuery['set'];
}) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed === value) return;
    const timer = setTimeout(() => set({ [name]: typed }), typingMs);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <div class={`filter ${type}`}>
      <label for={`filter-${name}`}>{label}</label>
      {type === 'number' ? (
        <input
          id={`filter-${name}`}
          type="number"
          step="any"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      ) : (
        <input
          id={`filter-${name}`}
          type="search"
          dir="auto"
          value={typed}
          placeholder={placeholder}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      )}
    </div>
  );
}
