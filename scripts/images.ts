/**
 * `make images`: container images of hub, spoke, the operator without a hub, and must-gather, as OCI archives in
 * dist/images, each with a bill of materials (CycloneDX) beside it. With REGISTRY=registry.example.com/path they are
 * pushed there too, with the login of buildah.
 */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPrograms, makeOperatorImages, OPERATOR_IMAGES } from '@kmm-fleet/lab';
import manifest from '../package.json' with { type: 'json' };

const checkout = join(import.meta.dirname, '..');
const target = join(checkout, 'dist', 'images');
const registry = process.env['REGISTRY'];
const say = (line: string) => void process.stdout.write(`${line}\n`);

await installPrograms(['buildah', 'mmdebstrap'], say);
const images = await makeOperatorImages(checkout, OPERATOR_IMAGES, say);
mkdirSync(target, { recursive: true });
for (const name of OPERATOR_IMAGES) {
  const archive = join(target, `${name}.oci.tar`);
  writeFileSync(join(target, `${name}.cdx.json`), await images.billOfMaterials(name, manifest.version));
  await images.push(name, `oci-archive:${archive}:${manifest.version}`);
  say(`${name.padEnd(16)} ${megabytes(archive).padStart(4)} MB  ${await images.id(name)}  ${archive}`);
  if (registry) await images.push(name, `docker://${registry}/${name}:${manifest.version}`);
}

function megabytes(path: string): string {
  return (statSync(path).size / 1e6).toFixed(0);
}
