/** Shows a state as one word. The colour repeats its meaning. */
export function Badge({ tone, children }: { tone: 'good' | 'warn' | 'bad' | 'plain' | 'live'; children: string }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}
