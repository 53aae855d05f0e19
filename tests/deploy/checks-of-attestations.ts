import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from './command.ts';
import { hasImage } from './engine.ts';
import { type Report, same } from './report.ts';
import { docker } from './stack.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** The program that makes lists of packages. SBOM_GENERATOR names another, for example of a mirror. */
const scanner = process.env['SBOM_GENERATOR'] ?? 'docker/buildkit-syft-scanner:stable-1';

interface Descriptor {
  digest: string;
  annotations?: Record<string, string>;
  platform?: { os: string; architecture: string };
}
interface Statement {
  subject: { digest: Record<string, string> }[];
  predicate: object;
}

/** Builds the image with deploy/docker-bake.hcl into an OCI archive, and checks the attestations in it. */
export async function checkAttestations(report: Report, directory: string, nodeImage: string): Promise<void> {
  const store = (await docker('info', '--format', '{{json .DriverStatus}}')).stdout;
  if (!store.includes('io.containerd.snapshotter')) {
    const how = '"features": { "containerd-snapshotter": true } in daemon.json enables it';
    report.skip('provenance and list of packages', `the engine does not have the containerd image store; ${how}`);
    return;
  }
  const hasScanner = await hasImage(scanner);
  if (!hasScanner) report.skip('the list of packages as an attestation', `there is no image ${scanner}`);
  const archive = join(directory, 'image.tar');
  const read = async <Value>(path: string) =>
    JSON.parse((await runProgram('tar', ['-xOf', archive, path])).stdout) as Value;
  const blob = <Value>(digest: string) => read<Value>(`blobs/${digest.replace(':', '/')}`);

  await report.check('the image is built with attestations that name it, and say what it is made of', async () => {
    const sets = [
      `cpu.output=type=oci,dest=${archive}`,
      'cpu.platform=local',
      `cpu.args.NODE_IMAGE=${nodeImage}`,
      ...(hasScanner ? [] : ['cpu.attest=type=sbom,disabled=true']),
    ];
    const allow = ['--allow', `fs.write=${directory}`];
    const args = [
      'buildx',
      'bake',
      ...allow,
      '-f',
      'deploy/docker-bake.hcl',
      'cpu',
      ...sets.flatMap((set) => ['--set', set]),
    ];
    await runProgram('docker', args, { SBOM_GENERATOR: hasScanner ? scanner : '' }, root);

    const [top] = (await read<{ manifests: Descriptor[] }>('index.json')).manifests;
    const { manifests } = await blob<{ manifests: Descriptor[] }>(top?.digest ?? '');
    const isAttestation = ({ annotations }: Descriptor) =>
      annotations?.['vnd.docker.reference.type'] === 'attestation-manifest';
    const image = manifests.find((manifest) => !isAttestation(manifest));
    const attestation = manifests.find(isAttestation);
    same(attestation?.annotations?.['vnd.docker.reference.digest'], image?.digest, 'the image that is attested');

    const { layers } = await blob<{ layers: Descriptor[] }>(attestation?.digest ?? '');
    const found = new Map(layers.map((layer) => [layer.annotations?.['in-toto.io/predicate-type'] ?? '', layer]));
    const statement = async (type: RegExp) => {
      const [, layer] = [...found].find(([name]) => type.test(name)) ?? [];
      if (layer === undefined) throw new Error(`there is no ${type} among ${[...found.keys()]}`);
      const content = await blob<Statement>(layer.digest);
      same(`sha256:${content.subject[0]?.digest['sha256']}`, image?.digest, `the subject of ${type}`);
      return JSON.stringify(content.predicate);
    };
    const provenance = await statement(/^https:\/\/slsa\.dev\/provenance\//);
    const [base = ''] = (nodeImage.split('/').at(-1) ?? '').split(/[:@]/);
    for (const part of [`/${base}@`, 'Dockerfile', 'npm ci'])
      same(provenance.includes(part), true, `${part} in the provenance`);
    if (!hasScanner) return 'provenance';
    const packages = await statement(/^https:\/\/spdx\.dev\/Document/);
    for (const part of ['express', 'onnxruntime-node', 'redis'])
      same(packages.includes(part), true, `${part} in the list of packages`);
    return `provenance, and a list of packages by ${scanner}`;
  });
}
