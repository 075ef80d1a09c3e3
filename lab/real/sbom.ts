import { createHash } from 'node:crypto';

/** A program or a library that is in an image. */
export interface Component {
  readonly type: 'npm' | 'deb';
  readonly name: string;
  readonly version: string;
  /** SPDX, where the package says it so. */
  readonly license?: string;
  readonly architecture?: string;
}

/**
 * A software bill of materials, as CycloneDX 1.6. Equal images give equal text: it holds no time, and its serial number
 * is made of what it lists.
 */
export function cycloneDx(image: string, version: string, components: readonly Component[]): string {
  const purls = new Map(components.map((component) => [purlOf(component), component]));
  const listed = [...purls]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([purl, { name, version: of, license }]) => ({
      type: 'library',
      'bom-ref': purl,
      name,
      version: of,
      purl,
      ...(license && { licenses: [{ expression: license }] }),
    }));
  const content = {
    metadata: { component: { type: 'container', 'bom-ref': image, name: image, version } },
    components: listed,
  };
  const serialNumber = `urn:uuid:${uuidOf(JSON.stringify(content))}`;
  const head = { bomFormat: 'CycloneDX', specVersion: '1.6', serialNumber, version: 1 };
  return `${JSON.stringify({ ...head, ...content }, null, 2)}\n`;
}

/** https://github.com/package-url: what databases of weaknesses look things up by. */
function purlOf({ type, name, version, architecture }: Component): string {
  const path = name.split('/').map(encodeURIComponent).join('/');
  if (type === 'npm') return `pkg:npm/${path}@${encodeURIComponent(version)}`;
  return `pkg:deb/debian/${path}@${encodeURIComponent(version)}?arch=${architecture ?? 'all'}`;
}

/** Version 8 is for those who make their own. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Of the text of control files, one package each, that follow each other. */
export function debianComponents(text: string): Component[] {
  return text
    .split(/^(?=Package: )/m)
    .map((paragraph) => ({
      type: 'deb' as const,
      name: fieldOf(paragraph, 'Package'),
      version: fieldOf(paragraph, 'Version'),
      architecture: fieldOf(paragraph, 'Architecture'),
    }))
    .filter(({ name }) => name !== '');
}

const fieldOf = (paragraph: string, name: string) =>
  new RegExp(`^${name}: (.+)$`, 'm').exec(paragraph)?.[1] ?? '';

/** The packages that a bundler's inputs are of: `node_modules/@scope/name/lib/file.js` is of `node_modules/@scope/name`. */
export function packageFolders(inputs: readonly string[]): string[] {
  const folders = inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  return [...new Set(folders)].sort();
}
