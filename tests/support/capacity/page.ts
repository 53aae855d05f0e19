import { readable } from '../../../testing/readable.ts';
import {
  bucket,
  bytesOfItemInBucket,
  controlPlaneCores,
  feedRate,
  fleet,
  gpuRate,
  itemsOfChunk,
  itemsOfSmallBatch,
  mean,
  network,
  peak,
  redisGigabytes,
  redisLimit,
  smallBatchesGigabytes,
} from './arithmetic.ts';
import { assumed, load, measured } from './inputs.ts';

const { gpu, gigaflops, machines, s3 } = assumed;
const dollars = (value: number) => `$${value.toFixed(2)}`;
const share = (of: number) => `${Math.round(100 * of)} %`;
const gigabytes = (bytes: number, hours: number) => `${readable(redisGigabytes(bytes, hours))} GB`;
const { random, alike } = measured.redisBytes;
const cores = Object.values(controlPlaneCores).reduce((sum, value) => sum + value, 0);

/** The text of docs/capacity.md. */
export const capacityPage = (): string => `# Capacity

The resources for ${readable(load.itemsPerDay / 1e6)} million pairs a day: processes, Redis, network and costs, and the first bottlenecks.

This page is made from \`tests/support/capacity\`: change a figure in \`inputs.ts\` and run
\`npx vitest run tests/unit/documentation -u\`. Each figure is one of three kinds. **Measured** ones come from
\`npm run bench\` on two shared cores; **assumed** ones, such as prices and all figures of GPUs other than an H100, name their
source and were not measured here; the rest is arithmetic.

## The load

| load                                     | items a second |
| ---------------------------------------- | -------------- |
| mean: ${readable(load.itemsPerDay / 1e6)} million in 86,400 s            | ${readable(mean)} |
| peak: the busiest hour has ${readable(load.peakFactor)} times the mean (assumed) | ${readable(peak)} |

## Workers

Planned with ${share(assumed.asked)} of their maximum rate, as the ScaledObjects of [deploy/k8s](../deploy/k8s) do.

| model | machine | items/s of one | bound by | machines at the mean | at the peak | a million items |
| ----- | ------- | -------------- | -------- | -------------------- | ----------- | --------------- |
${fleet
  .map(
    ({ model, machine, itemsPerSecond, bound, atMean, atPeak, dollars: price }) =>
      `| ${model} | ${machine} | ${readable(itemsPerSecond)} | ${bound} | ${readable(atMean)} | ${readable(atPeak)} | ${dollars(price)} |`,
  )
  .join('\n')}

- On CPUs, the table assumes ${measured.pairsPerSecondOfTwoCores.compact} pairs/s of \`compact\` and ${measured.pairsPerSecondOfTwoCores.vitB32} of ViT-B/32 on two cores, measured on one machine (2026-11-23),
  and proportionally more with more cores. On another machine (2026-11-27), they were 98 and 22 ([results](benchmarks.md#results)).
- fp16 must be set, also at the API, which pins the precision of a batch ([deployment](deployment.md)). Otherwise GPUs run
  fp32 and are slower than stated here.
- This GPU was not measured, only [an H100](#gpu-measured). Assumed are ${gpu.teraflops} TFLOPS (${gpu.name}, data sheet, FP16 without sparsity), of which ${share(gpu.efficiency)} are reached,
  and the operations of OpenCLIP's own [profile](https://github.com/mlfoundations/open_clip/blob/main/docs/model_profile.csv):
  ${gigaflops.vitB32} GFLOP a pair for ViT-B-32, ${gigaflops.vitL14} for ViT-L-14. That is ${readable(gpuRate(gigaflops.vitB32))} and ${readable(gpuRate(gigaflops.vitL14))} pairs/s. The text tower only reads up to the end
  of the text, so texts cost less than this.
- CPUs must feed the GPU. Downloading, decoding and transferring an image of 0.3 megapixels takes ${measured.decodeMs + measured.workerMs} ms of a core (measured), so
  ${gpu.name} with ${machines.gpu.vcpus} vCPUs gets at most ${readable(feedRate)} images/s. ViT-B/32 then waits for images, so choose machines by their CPUs. ViT-L/14 does not.

## GPU, measured

One NVIDIA H100 80GB HBM3 (driver 580.159.04) with 16 vCPUs (Intel Xeon), ONNX Runtime 1.30 for CUDA 13, shape models in
fp16, on 2026-11-26: three rented machines of this kind, whose decoding rates differ. Printed by
\`npm run bench:gpu\`; JPEGs of 640 x 480, 54 KB on average, from two image servers on the same machine, unique images
and texts, caches off, \`PREPROCESS=fast\` (then the default, as \`standard\`).

| bare stage                                   | runs of 1 | 8 | 32 | 64 | 128 |
| -------------------------------------------- | --- | ----- | ----- | ------ | ------ |
| ViT-B/32 vision, images/s of one session     | 378 | 4,160 | 9,190 | 10,920 | 12,030 |
| ViT-L/14 vision                              | 234 | 976   | 1,176 | 1,230  | 1,258  |

Text towers run 45,100 (B/32) and 32,900 (L/14) texts of 12 tokens a second. All 16 vCPUs decode 2,818, 2,301 and 2,758
images/s without other work (first, second and third machine); 15 decoders fed by one process decode 2,276, 1,873 and 2,344.

| service                          | pairs/s | of bare decoding | CPU ms a pair: decoders, encoders, services, bench | CPU idle | GPU busy |
| -------------------------------- | ------- | ---- | ------------------------ | ---- | ---- |
| B/32, 4 workers, pipes (1st)     | 1,612   | 0.57 | 7.02, 1.52, 0.90, 0.26   | 2 %  | 24 % |
| B/32, 4 workers, slots (2nd)     | 1,761   | 0.77 | 6.61, 0.84, 0.83, 0.26   | 6 %  | 33 % |
| B/32, 4 workers (3rd)            | 1,886   | 0.68 | 6.53, 0.75, 0.78, 0.24   | 2 %  | 29 % |
| B/32, 3 workers (3rd)            | 1,914   | 0.69 | 5.91, 0.84, 0.70, 0.23   | 8 %  | 39 % |
| B/32, 1 worker, during singles (2nd) | 683 | 0.30 | 6.82, 1.58, 0.99, 0.41   | 58 % | 38 % |
| L/14, 2 workers (3rd)            | 1,074   | 0.39 | 6.45, 1.98, 0.84, 0.29   | 36 % | 85 % |

- "During singles": 15 single pairs had arrived within the last 30 s, and batches leave room for such requests. This also
  holds for one worker in each row except the last, so these rows are lower bounds. On the third machine texts waited up
  to 20 ms for others; the present limit is 200 ms. A single pair took 13 to 20 ms (p50).
- ViT-B/32 is limited by the CPUs. For 2,500 pairs/s all parts together may take 6.4 ms of a vCPU, but decoding alone takes
  5.7 to 7. More CPUs per GPU or smaller images help; a second GPU does not.
- ViT-L/14 is limited by the GPU: it reaches 87 % of the rate of its vision tower alone.
- Memory of the GPU: 1,185 MiB with B/32 loaded, 1,601 after 100 runs of 1 to 64 images or texts of all lengths, and 1,601
  after 5,000, at the end of the step's minute. Each encoder of L/14 takes 3.2 to 3.4 GB.
- Golden cosines differ by at most 7.7e-7 in fp32 and 1.1e-3 in fp16 (304 cosines of tiny-clip, decoder processes included).

## API and control plane

| process | CPU of an item, measured | cores at the peak | how many                                               |
| ------- | ------------------------ | ----------------- | ------------------------------------------------------ |
| API     | ${measured.controlPlane.api} us | ${readable(controlPlaneCores.api)} | 2, so that one may fail; one can carry the load          |
| worker  | ${measured.controlPlane.worker} us | ${readable(controlPlaneCores.worker)} | part of the workers above                                |
| Redis   | ${measured.controlPlane.redis} us | ${readable(controlPlaneCores.redis)} | 1, and a replica for failover                            |

Without fetch, decode and inference, the total is ${readable(cores)} cores at the peak. Clients that post and read results need
about an eighth of that.

**Redis** is one process and waits for its disk at every commit (\`appendfsync always\`). With all commands of batches and
without other load, it reached (\`npm run bench -- --only control-plane-scale\`):

| batches               | chunks a second, measured | items a second | used at the peak |
| --------------------- | ------------------------- | -------------- | ---------------- |
| of many thousands, chunks of 64 items | ${readable(measured.redisChunksPerSecond.large)} | ${readable(redisLimit.large)} | ${share(peak / redisLimit.large)} |
| of 128 items at most, chunks of 4     | ${readable(measured.redisChunksPerSecond.small)} | ${readable(redisLimit.small)} | ${share(peak / redisLimit.small)} |

One by one, as APIs and workers send them, the commands of a chunk take more CPU time: a core is then full at ${readable(measured.redisChunksPerSecond.oneByOne)} chunks of 64 or
${readable(redisLimit.oneByOne)} items a second. So one Redis is enough for large batches. With only small ones it has almost no reserve:
post larger batches, or run two installations with half of the tenants each. A faster disk than that of the measured machine
helps more than a faster core.

## What Redis holds

An item takes ${random} bytes with its result when file names are random (${alike} when they are similar, as in the benchmark), compressed in
chunks of ${itemsOfChunk}. Finished batches stay for \`BATCH_RETENTION_HOURS\`, 72 by default.

| payloads          | stored for 2 h | 24 h | 72 h |
| ----------------- | ------------ | ---- | ---- |
| in Redis, measured | ${gigabytes(random, 2)} | ${gigabytes(random, 24)} | ${gigabytes(random, 72)} |
| in a bucket, measured | ${gigabytes(bytesOfItemInBucket, 2)} | ${gigabytes(bytesOfItemInBucket, 24)} | ${gigabytes(bytesOfItemInBucket, 72)} |

In a bucket, Redis holds references: ${measured.redisBytesOfChunkInBucket} bytes for a chunk of ${itemsOfChunk} items, input, output and log together.
The table is for large batches: each takes some ${readable(measured.redisBytesOfBatch / 1e3)} KB more, wherever its payloads are. If all items come
in batches of ${itemsOfSmallBatch}, one day takes ${readable(smallBatchesGigabytes)} GB more: post larger batches, or store them for an hour or two. Redis' file may need as much
memory again while it is rewritten, so \`maxmemory\` is half of its machine: ${machines.redis.name} (${machines.redis.gigabytes} GB) takes ${readable((0.85 * machines.redis.gigabytes * 1e9) / 2 / random / (load.itemsPerDay / 24))} hours of
payloads before it refuses more at 85 %. At this load, store payloads in a bucket, or read results and delete batches within
hours.

## Network

Nearly all traffic is images. With ${readable(assumed.imageBytes / 1e3)} KB an image (assumed):

| images        | amount |
| ------------- | ------ |
| mean          | ${readable(network.meanGigabits)} Gbit/s |
| peak          | ${readable(network.peakGigabits)} Gbit/s |
| a day         | ${readable(network.terabytesOfDay)} TB |
| one ${machines.gpu.name} | ${readable((feedRate * assumed.imageBytes * 8) / 1e9)} Gbit/s, when decoding limits it |

Most clouds do not charge for incoming traffic. Traffic from a bucket in another region costs more than the workers
(${readable(network.terabytesOfDay)} TB at $0.02 a GB are ${readable(network.terabytesOfDay * 1e3 * 0.02)} dollars a day). Run workers close to the images. Foreign hosts have their own
limits: \`vls_items_total{code=~"image.fetch.*"}\` shows them.

## Requests to the bucket

Each chunk of ${itemsOfChunk} items has two objects, its items and its results, each written and read once: ${readable(bucket.requestsOfDay / 1e6)} million requests and ${readable(bucket.dollarsOfDay)} dollars a day, ${dollars(bucket.dollarsOfMillion)} for a million
items (assumed: $${s3.get} for a thousand GET, $${s3.put} for a thousand PUT, and that traffic within the region is free).

## What breaks first

1. **Memory of Redis**, while payloads are in it: ${gigabytes(random, 24)} a day. It refuses batches with 507 (\`queue.full\`) at 85 % and loses
   nothing. Put payloads into a bucket, or keep batches for fewer hours.
2. **The disk of Redis**, when batches are small: at ${readable(redisLimit.small)} items a second in batches of up to 128. Posting and committing get
   slower; nothing is refused. Post larger batches, use a faster disk, or split tenants over two installations.
3. **The CPUs of GPU machines**, for small models: ${readable(feedRate)} images/s on ${machines.gpu.vcpus} vCPUs with any GPU. Use more or larger machines.
4. **The network**, at ${readable(network.peakGigabits)} Gbit/s into one cluster, and the limits of image hosts.

## Cost

For a million items, when machines come and go with the load ([scaling](scaling.md)). Prices are assumptions (AWS us-east-1, on
demand, as of 2025 and not looked up since): ${Object.values(machines)
  .map(({ name, dollars: hour }) => `${name} ${hour}`)
  .join(', ')} dollars an hour.

| model | workers | with bucket, Redis and two APIs | a day |
| ----- | ------- | ------------------------------- | ----- |
${fleet
  .map(({ model, machine, dollars: price }) => {
    const all = price + bucket.dollarsOfMillion + overhead();
    return `| ${model} on ${machine} | ${dollars(price)} | ${dollars(all)} | ${readable((all * load.itemsPerDay) / 1e6)} dollars |`;
  })
  .join('\n')}
`;

/** Two machines for Redis and its replica and two for APIs, spread over a million items. */
const overhead = (): number =>
  ((2 * machines.redis.dollars + 2 * machines.cpu.dollars) * 24) / (load.itemsPerDay / 1e6);
