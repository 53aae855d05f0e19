import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const style = (name: string) => readFileSync(new URL(`../../../web/styles/${name}.css`, import.meta.url), 'utf8');

type Colour = [red: number, green: number, blue: number];

function schemesOf(name: string): Colour[] {
  const [, light = '', dark = ''] =
    new RegExp(`--${name}: light-dark\\((#\\w+), (#\\w+)\\)`).exec(style('theme')) ?? [];
  return [light, dark].map((hex) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as Colour);
}

/** The relative luminance of WCAG 2. */
function luminance(colour: Colour): number {
  const [red, green, blue] = colour.map((each) => {
    const share = each / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as Colour;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: Colour, b: Colour): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

test.each([
  ['light', 0],
  ['dark', 1],
])('the bars of pairs that are left out are seen in the %s scheme, and differ from those of kept pairs', (_, at) => {
  const [, fill = '', opacity = '1'] =
    /\.chart \.fails \{\s*fill: var\(--(\w+)\);(?:\s*opacity: ([\d.]+);)?\s*\}/.exec(style('workbench')) ?? [];
  const [bar, surface, kept] = [fill, 'surface', 'accent'].map((name) => schemesOf(name)[at] as Colour);
  if (bar === undefined || surface === undefined || kept === undefined) throw new Error('A colour is missing');
  const drawn = bar.map(
    (each, part) => Number(opacity) * each + (1 - Number(opacity)) * (surface[part] ?? 0),
  ) as Colour;
  expect(contrast(drawn, surface)).toBeGreaterThanOrEqual(3);
  expect(contrast(drawn, kept)).toBeGreaterThanOrEqual(2);
});
