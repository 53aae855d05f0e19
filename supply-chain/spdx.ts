/** The kinds of licences, the strictest first. Stricter kinds set more conditions for distribution. */
export const kinds = ['unknown', 'strong', 'weak', 'permissive'] as const;
export type Kind = (typeof kinds)[number];

const permissive = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
  'Zlib',
]);
/** Changes to the library must be published. Programs that use it may have any licence. */
const weak = /^(LGPL|MPL|EPL|CDDL)-/;
/** The conditions also apply to every program that contains the library. */
const strong = /^(A?GPL|SSPL|OSL|EUPL|CC-BY-SA)-/;

/**
 * Returns the kind of an SPDX expression: of the stricter licence for `AND`, of the less strict for `OR`, and `unknown`
 * if invalid.
 */
export function kindOf(expression: string): Kind {
  const tokens = expression.match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;
  const rank = (kind: Kind) => kinds.indexOf(kind);

  function any(): Kind {
    let kind = all();
    while (tokens[at] === 'OR') {
      at++;
      const other = all();
      if (rank(other) > rank(kind)) kind = other;
    }
    return kind;
  }
  function all(): Kind {
    let kind = one();
    while (tokens[at] === 'AND') {
      at++;
      const other = one();
      if (rank(other) < rank(kind)) kind = other;
    }
    return kind;
  }
  function one(): Kind {
    const token = tokens[at++];
    if (token === '(') {
      const kind = any();
      return tokens[at++] === ')' ? kind : 'unknown';
    }
    if (token === undefined) return 'unknown';
    if (permissive.has(token)) return 'permissive';
    if (strong.test(token)) return 'strong';
    return weak.test(token) ? 'weak' : 'unknown';
  }

  const kind = any();
  return at === tokens.length ? kind : 'unknown';
}
