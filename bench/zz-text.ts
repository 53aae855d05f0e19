import { loadTowers } from '../models/evaluator/towers.ts';
import { loadTokenizer } from '../models/evaluator/tokenizer.ts';
import { loadRegistry } from '../models/registry/registry.ts';
import { readConfig } from '../shared/config.ts';
const { spec } = await (await loadRegistry(readConfig())).resolve(process.argv[2]);
const towers = await loadTowers(spec, 1);
const tok = await loadTokenizer(spec.tokenizerPath, spec.tokenizerConfigPath, spec.contextLength);
let n = 0; const ids = () => tok.encode(`a photo of thing number ${n++} on a table`).ids;
for (let r = 0; r < 2; r++) for (const b of [1, 2, 4, 8, 16]) {
  for (let i = 0; i < 3; i++) await towers.texts(Array.from({ length: b }, ids));
  const c = process.cpuUsage(); const reps = Math.ceil(160 / b);
  for (let i = 0; i < reps; i++) await towers.texts(Array.from({ length: b }, ids));
  const u = process.cpuUsage(c); console.log('text batch', b, ((u.user + u.system) / 1000 / reps / b).toFixed(2), 'ms CPU each');
}
const blank = new Float32Array(3 * spec.imageSize ** 2);
for (const b of [1, 2, 4]) { for (let i = 0; i < 3; i++) await towers.images(Array.from({ length: b }, () => blank)); const c = process.cpuUsage(); const reps = Math.ceil(60 / b); for (let i = 0; i < reps; i++) await towers.images(Array.from({ length: b }, () => blank)); const u = process.cpuUsage(c); console.log('image batch', b, ((u.user + u.system) / 1000 / reps / b).toFixed(2)); }
