/** Shows a state as a word, with a colour of the same meaning. */
export function Badge({ tone, children }: { tone: 'good' | 'warn' | 'bad' | 'plain' | 'live'; children: string }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}
