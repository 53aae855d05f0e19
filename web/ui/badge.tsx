export function Badge({ tone, children }: { tone: 'good' | 'warn' | 'bad' | 'plain' | 'live'; children: string }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}
