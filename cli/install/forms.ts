import {
  accessObjects,
  addonObjects,
  type Catalog,
  type EditionName,
  editions,
  type FleetOptions,
  type Folder,
  helmChart,
  kustomizeFolder,
  type OperatorImages,
  olmBundle,
  operatorObjects,
  policyObjects,
  subscriptionObjects,
  toYaml,
  workAgentAccess,
} from '@kmm-fleet/policies';
import type { KubeObject } from '@kmm-fleet/runtime';

/** What the forms are made from. */
export interface Wanted {
  readonly images: OperatorImages;
  readonly catalog: Catalog;
  readonly fleet: FleetOptions;
  readonly version: string;
}

interface Form {
  /** What of {@link Wanted} it cannot do without; the other is for forms of its kind. */
  readonly needs: 'image' | 'catalog';
  /** Applied to a hub, it installs on managed clusters. */
  readonly isForFleet?: boolean;
  /** Has more than one file. */
  readonly isFolder?: boolean;
  render(edition: EditionName, wanted: Wanted): Folder;
}

const FILE = 'install.yaml';
const inOneFile = (objects: readonly KubeObject[]): Folder => ({ [FILE]: objects.map(toYaml).join('') });

/** The ways to install, all made from the same objects. */
export const FORMS = {
  manifests: {
    needs: 'image',
    render: (edition, { images }) => inOneFile(operatorObjects(editions[edition], images)),
  },
  kustomize: {
    needs: 'image',
    isFolder: true,
    render: (edition, { images }) => kustomizeFolder(editions[edition], images),
  },
  helm: {
    needs: 'image',
    isFolder: true,
    render: (edition, { images, version }) => helmChart(editions[edition], images, version),
  },
  olm: {
    needs: 'image',
    isFolder: true,
    render: (edition, { images, version, catalog }) =>
      olmBundle(editions[edition], images, { version, channel: catalog.channel }),
  },
  subscription: {
    needs: 'catalog',
    render: (edition, { catalog }) => inOneFile(subscriptionObjects(editions[edition], catalog)),
  },
  policy: {
    needs: 'image',
    isForFleet: true,
    render: (edition, { images, fleet }) =>
      inOneFile(policyObjects(operatorObjects(editions[edition], images), fleet)),
  },
  'policy-olm': {
    needs: 'catalog',
    isForFleet: true,
    render: (edition, { catalog, fleet }) => {
      const objects = [...subscriptionObjects(editions[edition], catalog), ...accessObjects(workAgentAccess)];
      return inOneFile(policyObjects(objects, fleet));
    },
  },
  addon: {
    needs: 'image',
    isForFleet: true,
    render: (edition, { images, fleet }) =>
      inOneFile(addonObjects(editions[edition], operatorObjects(editions[edition], images), fleet)),
  },
} as const satisfies Readonly<Record<string, Form>>;

export type FormName = keyof typeof FORMS;
export const FORM_NAMES = Object.keys(FORMS) as FormName[];
export const formOf = (name: FormName): Form => FORMS[name];
