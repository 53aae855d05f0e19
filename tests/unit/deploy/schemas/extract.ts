import { readFileSync, writeFileSync } from 'node:fs';
import { parse } from 'yaml';

/**
 * Makes `kubernetes.json`, and a file for each custom resource, from what Kubernetes, KEDA and the Prometheus operator
 * publish: `node tests/unit/deploy/schemas/extract.ts <kubernetes>/api/openapi-spec/swagger.json <definition.yaml>…` with
 * KEDA's config/crd/bases/keda.sh_scaledobjects.yaml, and monitoring.coreos.com_{service,pod}monitors.yaml of the operator's
 * example/prometheus-operator-crd.
 *
 * What a server would silently drop is an error here: an object takes no property that its schema does not name.
 */
interface Schema {
  [keyword: string]: unknown;
  properties?: Record<string, Schema>;
}
const kinds = [
  { kind: 'ConfigMap', apiVersion: 'v1', schema: 'core.v1' },
  { kind: 'Deployment', apiVersion: 'apps/v1', schema: 'apps.v1' },
  { kind: 'Ingress', apiVersion: 'networking.k8s.io/v1', schema: 'networking.v1' },
  { kind: 'Namespace', apiVersion: 'v1', schema: 'core.v1' },
  { kind: 'NetworkPolicy', apiVersion: 'networking.k8s.io/v1', schema: 'networking.v1' },
  { kind: 'PersistentVolumeClaim', apiVersion: 'v1', schema: 'core.v1' },
  { kind: 'Pod', apiVersion: 'v1', schema: 'core.v1' },
  { kind: 'PodDisruptionBudget', apiVersion: 'policy/v1', schema: 'policy.v1' },
  { kind: 'Service', apiVersion: 'v1', schema: 'core.v1' },
  { kind: 'ServiceAccount', apiVersion: 'v1', schema: 'core.v1' },
  { kind: 'StatefulSet', apiVersion: 'apps/v1', schema: 'apps.v1' },
];

const annotations = new Set(['description', 'format', 'default']);
/** Formats and defaults check nothing; a quantity and an IntOrString may be written as a number. */
function strict(schema: Schema): Schema {
  if (schema['x-kubernetes-int-or-string'] === true || schema['format'] === 'int-or-string') {
    return { type: ['string', 'integer'] };
  }
  const kept = Object.entries(schema).filter(([keyword]) => !keyword.startsWith('x-') && !annotations.has(keyword));
  const result: Schema = Object.fromEntries(
    kept.map(([keyword, value]) => {
      if (keyword === 'properties') {
        return [keyword, Object.fromEntries(Object.entries(value as object).map(([name, of]) => [name, strict(of)]))];
      }
      return [keyword, keyword === 'items' || keyword === 'additionalProperties' ? strict(value as Schema) : value];
    }),
  );
  if (result.properties !== undefined && schema['x-kubernetes-preserve-unknown-fields'] !== true) {
    result['additionalProperties'] = false;
  }
  return result;
}

const [swaggerPath = '', ...crdPaths] = process.argv.slice(2);
const swagger = JSON.parse(readFileSync(swaggerPath, 'utf8')) as { definitions: Record<string, Schema> };
const needed = new Map<string, Schema>();
function need(name: string): void {
  if (needed.has(name)) return;
  const schema = strict(swagger.definitions[name] ?? {});
  needed.set(name, name.endsWith('.resource.Quantity') ? { type: ['string', 'number'] } : schema);
  for (const [, reference = ''] of JSON.stringify(schema).matchAll(/"#\/definitions\/([^"]+)"/g)) need(reference);
}
const resource = (schema: Schema, kind: string, apiVersion: string): Schema => ({
  ...schema,
  properties: { ...schema.properties, kind: { const: kind }, apiVersion: { const: apiVersion } },
  required: ['apiVersion', 'kind', 'metadata'],
});
for (const { kind, apiVersion, schema } of kinds) {
  const name = `io.k8s.api.${schema}.${kind}`;
  need(name);
  needed.set(kind, resource(needed.get(name) ?? {}, kind, apiVersion));
  needed.delete(name);
}

const write = (file: string, content: unknown) =>
  writeFileSync(new URL(file, import.meta.url), `${JSON.stringify(content)}\n`);
write('kubernetes.json', {
  $id: 'kubernetes.json',
  definitions: Object.fromEntries([...needed].sort(([a], [b]) => (a < b ? -1 : 1))),
});
for (const path of crdPaths) {
  const { spec } = parse(readFileSync(path, 'utf8')) as {
    spec: {
      group: string;
      names: { kind: string };
      versions: { name: string; schema: { openAPIV3Schema: Schema } }[];
    };
  };
  const [version] = spec.versions;
  const schema = strict(version?.schema.openAPIV3Schema ?? {});
  // The resource's own metadata stands in no definition; what it may hold is the same for all.
  const metadata = { $ref: 'kubernetes.json#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' };
  write(
    `${spec.names.kind.toLowerCase()}.json`,
    resource(
      { ...schema, properties: { ...schema.properties, metadata } },
      spec.names.kind,
      `${spec.group}/${version?.name}`,
    ),
  );
}
