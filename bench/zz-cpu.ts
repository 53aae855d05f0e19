import { readFileSync, readdirSync } from 'node:fs';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createClient } from '/work/main/tests/support/client.ts';
import { startRedis } from '/work/main/tests/support/redis.ts';
import { startProcess } from '/work/main/tests/support/service.ts';
const n = Number(process.argv[2] ?? 1000);
const cpuOf = (pid: number) => { const p = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' '); return (Number(p[11]) + Number(p[12])) * 10; };
const threads = (pid: number) => Object.fromEntries(readdirSync(`/proc/${pid}/task`).map((t) => { try { const s = readFileSync(`/proc/${pid}/task/${t}/stat`, 'utf8'); const p = s.split(') ')[1].split(' '); return [t + ' ' + readFileSync(`/proc/${pid}/task/${t}/comm`, 'utf8').trim(), (Number(p[11]) + Number(p[12])) * 10]; } catch { return [t, 0]; } }));
const kids = (pid: number) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
const child = fork('/work/main/bench/image-server.ts', ['0'], { execArgv: [] });
const [{ authority }] = (await once(child, 'message')) as any;
const redis = await startRedis();
const service = await startProcess('service', { REDIS_URL: redis.url, IMAGE_HOSTS_ALLOW: authority, EMBEDDING_CACHE_MB: '0', LOG_LEVEL: 'error', MICRO_BATCH: process.argv[3] ?? '1', ...(process.env.MODEL ? { MODEL: process.env.MODEL } : {}) });
const client = createClient(service.url);
let next = 0;
const run = async (count: number) => {
  const pairs = Array.from({ length: count }, () => ({ image: `http://${authority}/p.jpg?n=${next}`, text: `a photo of thing number ${next++} on a table` }));
  const { body } = await client.batch.post(pairs);
  for (;;) { const { body: s } = await client.batch.status(body.id); if (s.finishedAt) return s; await new Promise((r) => setTimeout(r, 250)); }
};
await run(100);
const evals = kids(service.pid);
const procs: Record<string, number> = { service: service.pid, images: child.pid!, bench: process.pid };
evals.forEach((p, i) => (procs['eval' + i] = p));
const redisPid = readdirSync('/proc').filter((p) => /^\d+$/.test(p)).find((p) => { try { return readFileSync(`/proc/${p}/cmdline`, 'utf8').includes('redis-server') && readFileSync(`/proc/${p}/stat`, 'utf8').split(') ')[1].split(' ')[1] === String(process.pid); } catch { return false; } });
if (redisPid) procs.redis = Number(redisPid);
const before = Object.fromEntries(Object.entries(procs).map(([k, p]) => [k, cpuOf(p)]));
const tb = threads(evals[0]), ts = threads(service.pid);
const t = performance.now();
await run(n);
const ms = performance.now() - t;
console.log(`${(n / ms * 1000).toFixed(1)} pairs/s`);
let sum = 0;
for (const [k, p] of Object.entries(procs)) { const d = (cpuOf(p) - before[k]) / n; sum += d; console.log(k, d.toFixed(2), 'ms CPU per pair'); }
console.log('sum', sum.toFixed(2));
const ta = threads(evals[0]); for (const [k, v] of Object.entries(ta)) { const d = (v - (tb[k] ?? 0)) / n; if (d > 0.05) console.log('  eval0', k, d.toFixed(2)); }
const tsa = threads(service.pid); for (const [k, v] of Object.entries(tsa)) { const d = (v - (ts[k] ?? 0)) / n; if (d > 0.05) console.log('  service', k, d.toFixed(2)); }
await service.stop(); child.kill(); await redis.remove(); process.exit(0);
