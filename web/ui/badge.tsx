/** A state in one word; its colour repeats what the word says. */
export function Badge({ tone, children }: { tone: 'good' | 'warn' | 'bad' | 'plain' | 'live'; children: string }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}
