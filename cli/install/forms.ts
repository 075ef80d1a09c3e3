import {
  accessObjects,
  addonObjects,
  type Catalog,
  type Edition,
  type FleetOptions,
  type Folder,
  helmChart,
  kustomizeFolder,
  monitoringObjects,
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
  /** Where the docs of this repository are published. */
  readonly runbooks: string;
}

interface Form {
  /** What of {@link Wanted} it cannot do without; without it, it is applied beside an operator of any other form. */
  readonly needs?: 'image' | 'catalog';
  /** Applied to a hub, it installs on managed clusters. */
  readonly isForFleet?: boolean;
  /** Has more than one file. */
  readonly isFolder?: boolean;
  /** Carries no kinds of admission: OLM knows none of them. */
  readonly isForOlm?: boolean;
  render(edition: Edition, wanted: Wanted): Folder;
}

const FILE = 'install.yaml';
const inOneFile = (objects: readonly KubeObject[]): Folder => ({ [FILE]: objects.map(toYaml).join('') });

/** The ways to install, all made from the same objects. */
export const FORMS = {
  manifests: {
    needs: 'image',
    render: (edition, { images }) => inOneFile(operatorObjects(edition, images)),
  },
  kustomize: {
    needs: 'image',
    isFolder: true,
    render: (edition, { images }) => kustomizeFolder(edition, images),
  },
  helm: {
    needs: 'image',
    isFolder: true,
    render: (edition, { images, version }) => helmChart(edition, images, version),
  },
  olm: {
    needs: 'image',
    isForOlm: true,
    isFolder: true,
    render: (edition, { images, version, catalog }) =>
      olmBundle(edition, images, { version, channel: catalog.channel }),
  },
  subscription: {
    needs: 'catalog',
    isForOlm: true,
    render: (edition, { catalog }) => inOneFile(subscriptionObjects(edition, catalog)),
  },
  policy: {
    needs: 'image',
    isForFleet: true,
    render: (edition, { images, fleet }) => inOneFile(policyObjects(operatorObjects(edition, images), fleet)),
  },
  'policy-olm': {
    needs: 'catalog',
    isForOlm: true,
    isForFleet: true,
    render: (edition, { catalog, fleet }) => {
      const objects = [...subscriptionObjects(edition, catalog), ...accessObjects(workAgentAccess)];
      return inOneFile(policyObjects(objects, fleet));
    },
  },
  addon: {
    needs: 'image',
    isForFleet: true,
    render: (edition, { images, fleet }) =>
      inOneFile(addonObjects(edition, operatorObjects(edition, images), fleet)),
  },
  monitoring: {
    render: (edition, { runbooks }) => inOneFile(monitoringObjects(edition, runbooks)),
  },
} as const satisfies Readonly<Record<string, Form>>;

export type FormName = keyof typeof FORMS;
export const FORM_NAMES = Object.keys(FORMS) as FormName[];
export const formOf = (name: FormName): Form => FORMS[name];
