import {
  addonObjects,
  EDITIONS,
  type EditionName,
  editions,
  operatorObjects,
  policyObjects,
} from '@kmm-fleet/policies';
import type { KubeObject } from '@kmm-fleet/runtime';
import { Argument, type Command, Option } from 'commander';
import type { Io } from '../io.ts';
import { UserError } from '../output/user-error.ts';
import { toYaml } from '../output/yaml.ts';

const FORMS = ['manifests', 'policy', 'addon'] as const;

interface InstallOptions {
  readonly image: string;
  readonly mustGatherImage?: string;
  readonly pullSecret?: string;
  readonly form: (typeof FORMS)[number];
  readonly name: string;
  readonly namespace: string;
  readonly clusterSet: string;
  readonly clusterLabel: Readonly<Record<string, string>>;
}

/** `kmm install EDITION --image REF`: what is to be applied, on standard output. It touches no cluster. */
export function addInstallCommand(program: Command, io: Io): void {
  program
    .command('install')
    .description('print what installs an operator: manifests, an RHACM Policy, or an OCM add-on')
    .addArgument(
      new Argument('<edition>', 'of a hub, of a managed cluster, or of one that needs no hub').choices(
        EDITIONS,
      ),
    )
    .requiredOption('--image <ref>', 'image of the operator; make images makes it')
    .option('--must-gather-image <ref>', 'image for oc adm must-gather (default: that of the operator)')
    .option('--pull-secret <name>', 'Secret in the namespace of the operator with the login of the registry')
    .addOption(new Option('--form <form>', 'how it reaches clusters').choices(FORMS).default('manifests'))
    .option('--name <name>', 'of Policy, Placement and add-on', 'install-kmm')
    .option('-n, --namespace <name>', 'of Policy and Placement on the hub', 'default')
    .option('--cluster-set <name>', 'ManagedClusterSet that clusters are taken from', 'global')
    .option('--cluster-label <key=value>', 'only clusters with this label; may be given again', addLabel, {})
    .addHelpText(
      'after',
      `
Nothing is applied: pipe it to kubectl. Policy and add-on are applied to the hub, and install on its clusters.

Examples:
  kmm install hub --image registry.example.com/kmm-hub:0.1.0 | kubectl apply --server-side -f -
  kmm install spoke --image registry.example.com/kmm:0.1.0 --form policy --cluster-label gpu=true >policy.yaml`,
    )
    .action((edition: EditionName, options: InstallOptions) => {
      io.out.write(objectsFor(edition, options).map(toYaml).join(''));
    });
}

function objectsFor(name: EditionName, options: InstallOptions): KubeObject[] {
  const { image, mustGatherImage = image, pullSecret, form, clusterLabel, ...where } = options;
  const images = { operator: image, mustGather: mustGatherImage, pullSecret };
  const objects = operatorObjects(editions[name], images);
  if (form === 'manifests') return objects;
  if (name !== 'spoke')
    throw new UserError(
      `--form ${form} installs on managed clusters, which is the edition spoke. Print ${name} with --form manifests.`,
    );
  const fleet = { ...where, clusterLabels: clusterLabel };
  return form === 'policy' ? policyObjects(objects, fleet) : addonObjects(objects, fleet);
}

function addLabel(text: string, all: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const [key = '', value, ...rest] = text.split('=');
  if (!key || value === undefined || rest.length > 0)
    throw new UserError(`--cluster-label ${text} is no label. Write it as key=value.`);
  return { ...all, [key]: value };
}
