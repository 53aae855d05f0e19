/** Returns a fault with the position of its row or item, such as `line 7`. */
export const placedFault = (where: string, fault: string): string =>
  fault.startsWith('has ') ? `${where} ${fault}` : `${where}: ${fault}`;
