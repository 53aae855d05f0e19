import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import ts from 'typescript-5';

/** One import of a file. */
export interface Import {
  /** Path of the importing file, from the root of the repository. */
  from: string;
  line: number;
  /** The specifier as written. */
  specifier: string;
  /** Path of the imported file from the root of the repository, for a relative specifier. */
  file?: string;
  /** Name of the imported package, for all others but those of Node. */
  package?: string;
}

const scriptKinds: Record<string, ts.ScriptKind> = { '.tsx': ts.ScriptKind.TSX, '.js': ts.ScriptKind.JS };

/** Name of the package that a bare specifier imports from, `undefined` for a module of Node. */
function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('node:')) return undefined;
  const [scope, name] = specifier.split('/');
  return specifier.startsWith('@') ? `${scope}/${name}` : scope;
}

/** The string that an import, an export, `import()`, `import type`, `require()` or `vi.mock()` names, if any. */
function specifierOf(node: ts.Node): ts.StringLiteralLike | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    const { moduleSpecifier } = node;
    return moduleSpecifier !== undefined && ts.isStringLiteralLike(moduleSpecifier) ? moduleSpecifier : undefined;
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return ts.isStringLiteralLike(node.argument.literal) ? node.argument.literal : undefined;
  }
  if (ts.isExternalModuleReference(node)) return ts.isStringLiteralLike(node.expression) ? node.expression : undefined;
  if (ts.isCallExpression(node)) {
    const { expression: called, arguments: given } = node;
    const imports =
      called.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(called) && called.text === 'require');
    return imports && given[0] !== undefined && ts.isStringLiteralLike(given[0]) ? given[0] : undefined;
  }
  return undefined;
}

/**
 * Returns every import of a source text, in its order: values and types, `export … from`, `import()` in code and in
 * types, and `require()`.
 * @param from - Path of the file from the root of the repository.
 */
export function importsOf(from: string, text: string): Import[] {
  const source = ts.createSourceFile(
    from,
    text,
    ts.ScriptTarget.Latest,
    false,
    scriptKinds[posix.extname(from)] ?? ts.ScriptKind.TS,
  );
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    const literal = specifierOf(node);
    if (literal !== undefined) {
      const specifier = literal.text;
      const line = source.getLineAndCharacterOfPosition(literal.getStart(source)).line + 1;
      if (specifier.startsWith('.')) {
        found.push({ from, line, specifier, file: posix.join(posix.dirname(from), specifier) });
      } else {
        const name = packageOf(specifier);
        found.push({ from, line, specifier, ...(name === undefined ? {} : { package: name }) });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Returns every import of a file of the repository. */
export const importsOfFile = (path: string): Import[] => importsOf(path, readFileSync(path, 'utf8'));
