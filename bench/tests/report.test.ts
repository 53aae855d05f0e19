import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Figure, isMet, tableOf } from '../figures.ts';
import { compare, createReport, readReport, writeReport } from '../report.ts';

const directory = mkdtempSync(join(tmpdir(), 'vls-report-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const figure = (value: number, more: Partial<Figure> = {}): Figure => ({
  id: 'compact/batch-over-roofline',
  name: 'batch / roofline',
  value,
  unit: '',
  detail: '',
  ...more,
});

describe('a figure', () => {
  it('meets a target that it reaches exactly', () => {
    expect(isMet(figure(0.9, { target: { least: 0.9 } }))).toBe(true);
    expect(isMet(figure(3, { target: { most: 3 } }))).toBe(true);
  });

  it('misses a target by falling short of it, or by going beyond it', () => {
    expect(isMet(figure(0.899, { target: { least: 0.9 } }))).toBe(false);
    expect(isMet(figure(3.01, { target: { most: 3 } }))).toBe(false);
  });

  it('that is not a number misses every target', () => {
    expect(isMet(figure(Number.NaN, { target: { least: 0.9 } }))).toBe(false);
    expect(isMet(figure(Number.NaN, { target: { most: 3 } }))).toBe(false);
  });

  it('is listed in the table with its target', () => {
    const [, missed = '', met = '', free = ''] = tableOf([
      figure(0.71, { target: { least: 0.9 }, detail: '71 of 100 pairs/s' }),
      figure(2.5, { unit: 's', target: { most: 3 } }),
      figure(1.1),
    ]).split('\n');
    expect(missed).toMatch(/compact +batch \/ roofline +0\.71 +>= 0\.9 +MISSED +71 of 100 pairs\/s/);
    expect(met).toMatch(/2\.5 s +<= 3 +met/);
    expect(free).not.toMatch(/met|MISSED|[<>]=/);
  });
});

describe('the report of a run', () => {
  it('is read back as it was written', () => {
    const report = createReport([figure(0.9, { target: { least: 0.9 } }), figure(3, { id: 'start/x' })], false);
    expect(readReport(writeReport(report, join(directory, 'deep', 'run.json')))).toEqual(report);
  });

  it('that is none is refused with the name of its file', () => {
    const file = join(directory, 'other.json');
    writeFileSync(file, '{"figures": 1}');
    expect(() => readReport(file)).toThrow(/other\.json is not a report of this benchmark/);
    expect(() => readReport(join(directory, 'absent.json'))).toThrow(/absent\.json cannot be read/);
  });

  it('is compared figure by figure, by id and not by place', () => {
    const before = createReport([figure(5, { id: 'start/first-score' }), figure(0.8)], false);
    const now = createReport(
      [figure(0.9), figure(4, { id: 'start/first-score' }), figure(1, { id: 'new/one' })],
      false,
    );
    const lines = compare(before, now).split('\n');
    expect(lines.find((line) => line.startsWith('compact'))).toMatch(/0\.8 +0\.9 +\+12\.5 %$/);
    expect(lines.find((line) => line.startsWith('start'))).toMatch(/5 +4 +-20\.0 %$/);
    expect(lines.some((line) => line.startsWith('new'))).toBe(false);
  });

  it('of another machine, or of a quick run, is compared with a warning', () => {
    const now = createReport([figure(1)], false);
    const elsewhere = { ...createReport([figure(1)], true), machine: { cpus: 64, cpu: 'another', memoryGb: 256 } };
    expect(compare(elsewhere, now)).toMatch(/different machines/);
    expect(compare(elsewhere, now)).toMatch(/--quick/);
    expect(compare(now, now)).not.toMatch(/two machines|--quick/);
  });
});
