export function svg(width: number, height: number, title: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11"><title>${title}</title><rect width="100%" height="100%" fill="#fff"/><text x="4" y="16">${title}</text>${parts.join('')}</svg>\n`;
}

export const dashed = (x1: number, y1: number, x2: number, y2: number): string =>
  `<line x1="${x1}" x2="${x2}" y1="${y1}" y2="${y2}" stroke="#c0392b" stroke-dasharray="3 2"/>`;
