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

Each figure is measured, assumed or calculated:

- **Measured** figures come from \`npm run bench\` on two shared cores.
- **Assumed** figures were not measured and name their source: prices, and all figures of GPUs other than an H100 and an H200.
- All other figures are calculated.

This page is generated. To change a figure, edit \`tests/support/capacity/inputs.ts\` and run
\`npx vitest run tests/unit/documentation -u\`.

## The load

| load                                     | items a second |
| ---------------------------------------- | -------------- |
| mean: ${readable(load.itemsPerDay / 1e6)} million in 86,400 s            | ${readable(mean)} |
| peak: the busiest hour has ${readable(load.peakFactor)} times the mean (assumed) | ${readable(peak)} |

## Workers

Each worker is planned at ${share(assumed.asked)} of its maximum rate, as in the ScaledObjects of [deploy/k8s](../deploy/k8s).

| model | machine | items/s of one | bound by | machines at the mean | at the peak | a million items |
| ----- | ------- | -------------- | -------- | -------------------- | ----------- | --------------- |
${fleet
  .map(
    ({ model, machine, itemsPerSecond, bound, atMean, atPeak, dollars: price }) =>
      `| ${model} | ${machine} | ${readable(itemsPerSecond)} | ${bound} | ${readable(atMean)} | ${readable(atPeak)} | ${dollars(price)} |`,
  )
  .join('\n')}

- **CPU rates** are ${measured.pairsPerSecondOfTwoCores.compact} pairs/s of \`compact\` and ${measured.pairsPerSecondOfTwoCores.vitB32} of ViT-B/32 on two cores, measured on one machine (2026-11-23), and
  proportional to the cores. Another machine reached 98 and 22 (2026-11-27, [results](benchmarks.md#results)).
- **fp16** must be set at the workers and at the API, which pins the precision of a batch
  ([deployment](deployment.md)). Otherwise GPUs run fp32 and are slower than stated here.
- **GPU rates** are assumed; only [an H100 and an H200](#gpu-measured) were measured. ${gpu.name} has ${gpu.teraflops} TFLOPS (data sheet, FP16
  without sparsity), of which models reach ${share(gpu.efficiency)}. A pair takes ${gigaflops.vitB32} GFLOP with ViT-B-32 and ${gigaflops.vitL14} with ViT-L-14
  (OpenCLIP's [profile](https://github.com/mlfoundations/open_clip/blob/main/docs/model_profile.csv)). That is ${readable(gpuRate(gigaflops.vitB32))} and ${readable(gpuRate(gigaflops.vitL14))} pairs/s.
  Texts cost less than this, because the text model reads only up to the end of the text.
- **CPUs feed the GPU.** Downloading, decoding and transferring an image of 0.3 megapixels takes ${measured.decodeMs + measured.workerMs} ms of a core
  (measured), so ${machines.gpu.vcpus} vCPUs feed at most ${readable(feedRate)} images/s. ViT-B/32 waits for images: choose machines by their CPUs.
  ViT-L/14 does not wait.

## GPU, measured

Printed by \`npm run bench:gpu\`.

### H200, with the default preprocess

On 2026-11-27, one NVIDIA H200 (driver 580.159.04) with 16 vCPUs (Intel Xeon), ONNX Runtime 1.30 for CUDA 13,
\`PREPROCESS=exact\`, the models and the load of the H100 below. Two runs, both on this machine:

| service           | pairs/s      | of bare decoding | CPU ms a pair: decoders, encoders, services, bench | CPU idle | GPU busy | single p50 |
| ----------------- | ------------ | ---------- | ---------------------- | ---- | ---- | ----- |
| B/32, 3 workers   | 1,735, 1,603 | 0.82, 0.75 | 6.80, 0.99, 0.81, 0.28 | 4 %  | 24 % | 12 ms |
| B/32, 1 worker    | 1,463        | 0.69       | 7.30, 0.77, 0.77, 0.32 | 16 % | 14 % | 16 ms |
| L/14, 2 workers   | 1,109, 1,111 | 0.52       | 7.47, 1.93, 0.90, 0.34 | 26 % | 79 % | 20 ms |
| L/14, 1 worker    | 1,042        | 0.49       | 6.83, 1.16, 0.79, 0.32 | 41 % | 72 % | 20 ms |

- **Bare stages**: the vision model of B/32 runs 461, 3,109, 8,600, 10,550 and 11,640 images/s in runs of 1, 8, 32, 64
  and 128; its text model 41,710 texts/s. The 16 vCPUs decode and resize 2,126 images/s without other work, and 1,986
  if one process feeds 15 decoders.
- **\`PREPROCESS=fast\`**, between the two runs: 1,372 (B/32) and 1,098 pairs/s (L/14). Images of
  0.3 megapixels are too small for \`fast\` to save anything ([preprocessing](preprocessing.md)).
- **Golden cosines** differ by at most 7.7e-7 in fp32 and 1.1e-3 in fp16. **GPU memory** after 5,000 mixed runs of B/32
  is that after 100: 1,613 MiB.

### H100, with \`PREPROCESS=fast\`

On 2026-11-26:

- **Machine**: one NVIDIA H100 80GB HBM3 (driver 580.159.04) with 16 vCPUs (Intel Xeon), ONNX Runtime 1.30 for CUDA 13.
  Three rented machines of this kind, with different decoding rates, are called first, second and third.
- **Models**: [shape models](benchmarks.md) in fp16, \`PREPROCESS=fast\` (then the default, as \`standard\`).
- **Load**: unique images and texts, caches off; JPEGs of 640 x 480, 54 KB on average, from two image servers on the
  same machine.

| bare stage                                   | runs of 1 | 8 | 32 | 64 | 128 |
| -------------------------------------------- | --- | ----- | ----- | ------ | ------ |
| ViT-B/32 vision, images/s of one session     | 378 | 4,160 | 9,190 | 10,920 | 12,030 |
| ViT-L/14 vision                              | 234 | 976   | 1,176 | 1,230  | 1,258  |

The text models run 45,100 (B/32) and 32,900 (L/14) texts of 12 tokens a second. Without other work, the 16 vCPUs of the
three machines decode 2,818, 2,301 and 2,758 images/s; 15 decoders fed by one process decode 2,276, 1,873 and 2,344.

| service                          | pairs/s | of bare decoding | CPU ms a pair: decoders, encoders, services, bench | CPU idle | GPU busy |
| -------------------------------- | ------- | ---- | ------------------------ | ---- | ---- |
| B/32, 4 workers, pipes (1st)     | 1,612   | 0.57 | 7.02, 1.52, 0.90, 0.26   | 2 %  | 24 % |
| B/32, 4 workers, slots (2nd)     | 1,761   | 0.77 | 6.61, 0.84, 0.83, 0.26   | 6 %  | 33 % |
| B/32, 4 workers (3rd)            | 1,886   | 0.68 | 6.53, 0.75, 0.78, 0.24   | 2 %  | 29 % |
| B/32, 3 workers (3rd)            | 1,914   | 0.69 | 5.91, 0.84, 0.70, 0.23   | 8 %  | 39 % |
| B/32, 1 worker, during singles (2nd) | 683 | 0.30 | 6.82, 1.58, 0.99, 0.41   | 58 % | 38 % |
| L/14, 2 workers (3rd)            | 1,074   | 0.39 | 6.45, 1.98, 0.84, 0.29   | 36 % | 85 % |

- **"During singles"**: batches leave room for single requests, because 15 single pairs had arrived within the last
  30 s. This also applies to one worker in every row except the last, so these rows are lower bounds. A single pair
  took 13 to 20 ms (p50). On the third machine, texts waited up to 20 ms for others; the present limit is 200 ms.
- **ViT-B/32 is limited by the CPUs.** For 2,500 pairs/s all parts together may take 6.4 ms of a vCPU, but decoding
  alone takes 5.7 to 7. More CPUs per GPU or smaller images help; a second GPU does not.
- **ViT-L/14 is limited by the GPU**: it reaches 87 % of the rate of its vision model alone.
- **GPU memory**: 1,185 MiB with B/32 loaded, 1,601 after 100 runs of 1 to 64 images or texts of all lengths, and the
  same after 5,000. Each encoder of L/14 takes 3.2 to 3.4 GB.
- **Golden cosines** differ by at most 7.7e-7 in fp32 and 1.1e-3 in fp16 (304 cosines of tiny-clip, with decoder
  processes).

## API and control plane

| process | CPU of an item, measured | cores at the peak | how many                                               |
| ------- | ------------------------ | ----------------- | ------------------------------------------------------ |
| API     | ${measured.controlPlane.api} us | ${readable(controlPlaneCores.api)} | 2, so that one may fail; one can carry the load          |
| worker  | ${measured.controlPlane.worker} us | ${readable(controlPlaneCores.worker)} | part of the workers above                                |
| Redis   | ${measured.controlPlane.redis} us | ${readable(controlPlaneCores.redis)} | 1, and a replica for failover                            |

The total is ${readable(cores)} cores at the peak, without fetch, decode and inference. Clients that post and read results need
about an eighth of that.

Redis is one process and waits for its disk at every commit (\`appendfsync always\`). With all commands of batches and
no other load, it reached (\`npm run bench -- --only control-plane-scale\`):

| batches               | chunks a second, measured | items a second | used at the peak |
| --------------------- | ------------------------- | -------------- | ---------------- |
| of many thousands, chunks of 64 items | ${readable(measured.redisChunksPerSecond.large)} | ${readable(redisLimit.large)} | ${share(peak / redisLimit.large)} |
| of 128 items at most, chunks of 4     | ${readable(measured.redisChunksPerSecond.small)} | ${readable(redisLimit.small)} | ${share(peak / redisLimit.small)} |

APIs and workers send the commands of a chunk one by one, which takes more CPU time: a core is then fully used at
${readable(measured.redisChunksPerSecond.oneByOne)} chunks of 64, or ${readable(redisLimit.oneByOne)} items a second.

One Redis is enough for large batches. For small batches it has almost no reserve: post larger batches, or run two
installations with half of the tenants each. A faster disk helps more than a faster core.

## Memory of Redis

An item and its result take ${random} bytes if file names are random, and ${alike} if they are similar, as in the benchmark.
Chunks of ${itemsOfChunk} items are compressed. Redis stores ended batches for \`BATCH_RETENTION_HOURS\`, 72 by default.

| payloads          | stored for 2 h | 24 h | 72 h |
| ----------------- | ------------ | ---- | ---- |
| in Redis, measured | ${gigabytes(random, 2)} | ${gigabytes(random, 24)} | ${gigabytes(random, 72)} |
| in a bucket, measured | ${gigabytes(bytesOfItemInBucket, 2)} | ${gigabytes(bytesOfItemInBucket, 24)} | ${gigabytes(bytesOfItemInBucket, 72)} |

If payloads are in a bucket, Redis stores references: ${measured.redisBytesOfChunkInBucket} bytes for a chunk of ${itemsOfChunk} items, input, output and log together.

- **Small batches**: the table is for large batches. Each batch takes some ${readable(measured.redisBytesOfBatch / 1e3)} KB more, wherever its payloads are. If all
  items come in batches of ${itemsOfSmallBatch}, one day takes ${readable(smallBatchesGigabytes)} GB more: post larger batches, or store them for an hour or two.
- **Machine**: a rewrite of Redis' file may need as much memory again, so \`maxmemory\` is half of the machine.
  ${machines.redis.name} (${machines.redis.gigabytes} GB) takes ${readable((0.85 * machines.redis.gigabytes * 1e9) / 2 / random / (load.itemsPerDay / 24))} hours of payloads before it refuses more at 85 %.

At this load, store payloads in a bucket, or read results and delete batches within hours.

## Network

Nearly all traffic is images, assumed at ${readable(assumed.imageBytes / 1e3)} KB each:

| images        | amount |
| ------------- | ------ |
| mean          | ${readable(network.meanGigabits)} Gbit/s |
| peak          | ${readable(network.peakGigabits)} Gbit/s |
| a day         | ${readable(network.terabytesOfDay)} TB |
| one ${machines.gpu.name} | ${readable((feedRate * assumed.imageBytes * 8) / 1e9)} Gbit/s, when decoding limits it |

Run workers close to the images. Most clouds do not charge for incoming traffic, but traffic from a bucket in another
region costs more than the workers (${readable(network.terabytesOfDay)} TB at $0.02 a GB are ${readable(network.terabytesOfDay * 1e3 * 0.02)} dollars a day). Image hosts of others have
their own limits: \`vls_items_total{code=~"image.fetch.*"}\` shows them.

## Requests to the bucket

Each chunk of ${itemsOfChunk} items has two objects, its items and its results. Each object is written and read once. That is
${readable(bucket.requestsOfDay / 1e6)} million requests and ${readable(bucket.dollarsOfDay)} dollars a day, or ${dollars(bucket.dollarsOfMillion)} for a million items. Assumed are $${s3.get} for a thousand GET,
$${s3.put} for a thousand PUT, and free traffic within the region.

## The first bottlenecks

1. **Memory of Redis**, if it stores the payloads: ${gigabytes(random, 24)} a day. It refuses batches with 507 (\`queue.full\`) at 85 % and
   loses nothing. Store payloads in a bucket, or keep batches for fewer hours.
2. **The disk of Redis**, if batches are small: at ${readable(redisLimit.small)} items a second in batches of up to 128. Posts and commits become
   slower; nothing is refused. Post larger batches, use a faster disk, or divide tenants between two installations.
3. **The CPUs of GPU machines**, for small models: ${readable(feedRate)} images/s on ${machines.gpu.vcpus} vCPUs with any GPU. Use more or larger machines.
4. **The network**, at ${readable(network.peakGigabits)} Gbit/s into one cluster, and the limits of image hosts.

## Cost

The cost of a million items, if machines are started and stopped with the load ([scaling](scaling.md)). Prices are
assumed (AWS us-east-1, on demand, as of 2025): ${Object.values(machines)
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
