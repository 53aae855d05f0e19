/** Shows a state as a word. The colour of the badge has the same meaning as the word. */
export function Badge({ tone, children }: { tone: 'good' | 'warn' | 'bad' | 'plain' | 'live'; children: string }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}
