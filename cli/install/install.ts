import { BUILDERS, type BuilderName, describeFinding, parseImageReference } from '@kmm-fleet/api';
import {
  CERTIFICATES,
  type Certificates,
  EDITIONS,
  type EditionName,
  editions,
  type Folder,
  withOptions,
} from '@kmm-fleet/policies';
import { Argument, type Command, Option } from 'commander';
import type { Io } from '../io.ts';
import { type ExitCode, UsageError } from '../output/user-error.ts';
import manifest from '../package.json' with { type: 'json' };
import { addCheckCommand } from './check/check-command.ts';
import { FORM_NAMES, type FormName, formOf, type Wanted } from './forms.ts';
import { NAME } from './names.ts';
import { addPrivilegesCommand } from './privileges.ts';

interface InstallOptions {
  readonly image?: string;
  readonly mustGatherImage?: string;
  readonly pullSecret?: string;
  readonly guardNamespaces: boolean;
  readonly webhooks?: Certificates;
  readonly builder: BuilderName;
  readonly form: FormName;
  readonly out?: string;
  readonly name: string;
  readonly namespace: string;
  readonly clusterSet: string;
  readonly clusterLabel: Readonly<Record<string, string>>;
  readonly placementRule: boolean;
  readonly catalog?: string;
  readonly catalogNamespace: string;
  readonly channel: string;
  readonly runbooks?: string;
}

/** `kmm install EDITION --image REF`: what is to be applied, on standard output. It touches no cluster. */
export function addInstallCommand(program: Command, io: Io, finish: (code: ExitCode) => void): void {
  const command = program
    .command('install')
    .description(
      'print what installs an operator: manifests, kustomize, Helm, OLM, an RHACM Policy, an OCM add-on',
    )
    .addArgument(
      new Argument('<edition>', 'of a hub, of a managed cluster, or of one that needs no hub').choices(
        EDITIONS,
      ),
    )
    .option('--image <ref>', 'image of the operator; make images makes it')
    .option('--must-gather-image <ref>', 'image for oc adm must-gather (default: that of the operator)')
    .option('--pull-secret <name>', 'Secret in the namespace of the operator with the login of the registry')
    .option('--guard-namespaces', 'keep namespaces from being deleted while there are Modules in them', false)
    .addOption(
      new Option(
        '--webhooks <certificates>',
        'have the API server ask the operator first; who makes the certificate',
      ).choices(CERTIFICATES),
    )
    .addOption(
      new Option(
        '--builder <builder>',
        'who builds images: the privileged operator, privileged pods of Jobs, Builds of OpenShift, or others',
      )
        .choices(BUILDERS)
        .default('buildah'),
    )
    .addOption(new Option('--form <form>', 'how it is installed').choices(FORM_NAMES).default('manifests'))
    .option('--out <folder>', 'write files there; kustomize, helm and olm have several')
    .option('--name <name>', 'of Policy, Placement and add-on', 'install-kmm')
    .option('-n, --namespace <name>', 'of Policy and Placement on the hub', 'default')
    .option('--cluster-set <name>', 'ManagedClusterSet that clusters are taken from', 'global')
    .option('--cluster-label <key=value>', 'only clusters with this label; may be given again', addLabel, {})
    .option('--placement-rule', 'a Policy with a PlacementRule, for an RHACM that has no Placement', false)
    .option('--catalog <name>', 'CatalogSource with the bundle, for subscription and policy-olm')
    .option('--catalog-namespace <name>', 'where the CatalogSource is', 'openshift-marketplace')
    .option('--channel <name>', 'of the bundle', 'stable')
    .option('--runbooks <url>', 'where these docs are published, for links in alerts of --form monitoring')
    .addHelpText(
      'after',
      `
Nothing is applied: pipe it to kubectl. Policies and the add-on are applied to the hub, and install
on its clusters. Monitoring is for the Prometheus operator, beside an operator of any other form.

Examples:
  kmm install hub --image registry.example.com/kmm-hub:0.1.0 | kubectl apply --server-side -f -
  kmm install hub --image registry.example.com/kmm-hub:0.1.0 --form helm --out kmm-hub
  kmm install spoke --image registry.example.com/kmm-spoke:0.1.0 --form policy \\
    --cluster-label gpu=true`,
    );
  addCheckCommand(command, io, finish);
  addPrivilegesCommand(command, io);
  command.action(async (name: EditionName, options: InstallOptions) => {
    const form = formOf(options.form);
    if (form.needs && options[form.needs] === undefined)
      command.error(`error: --form ${options.form} ${NEEDS[form.needs]}`, { exitCode: 2 });
    checkOptions(name, options);
    const edition = withOptions(editions[name], {
      builder: options.builder,
      guardsNamespaces: options.guardNamespaces,
      certificates: options.webhooks,
    });
    const files = form.render(edition, wantedOf(options));
    if (options.out === undefined) io.out.write(Object.values(files).join(''));
    else await writeFolder(io, options.out, files);
  });
}

const NEEDS = {
  image: "has the required option '--image <ref>'; make images makes one",
  catalog: "has the required option '--catalog <name>': the CatalogSource with the bundle of --form olm",
} as const;

function wantedOf(options: InstallOptions): Wanted {
  const { image = '', mustGatherImage = image, pullSecret, clusterLabel, ...rest } = options;
  const { name, namespace, clusterSet, placementRule, channel, catalog = '', catalogNamespace } = rest;
  const { runbooks = '' } = rest;
  return {
    images: { operator: image, mustGather: mustGatherImage, pullSecret },
    catalog: { channel, source: catalog, sourceNamespace: catalogNamespace },
    fleet: { name, namespace, clusterSet, clusterLabels: clusterLabel, placementRule },
    version: manifest.version,
    runbooks: runbooks.replace(/(?<=[^/])$/, '/'),
  };
}

async function writeFolder(io: Io, folder: string, files: Folder): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await io.save(`${folder}/${path}`, text);
    io.out.write(`${folder}/${path}\n`);
  }
}

function checkOptions(edition: EditionName, options: InstallOptions): void {
  const { isForFleet, isFolder, isForOlm, needs } = formOf(options.form);
  if (!needs) checkBeside(options);
  checkRunbooks(options);
  if (options.builder !== 'buildah') checkBuilder(edition, options.builder, needs);
  if (isForFleet && edition !== 'spoke')
    throw new UsageError(
      `--form ${options.form} installs on managed clusters, which is the edition spoke. Print ${edition} with --form manifests.`,
    );
  if (isFolder && options.out === undefined)
    throw new UsageError(`--form ${options.form} has several files. Say where to with --out FOLDER.`);
  if (options.webhooks) checkWebhooks(options.webhooks, options.form, isForOlm);
  if (options.guardNamespaces) checkGuard(edition, options.form, isForOlm);
  for (const [option, image] of [
    ['--image', options.image],
    ['--must-gather-image', options.mustGatherImage],
  ] as const) {
    const checked = image === undefined ? undefined : parseImageReference(image);
    if (checked && !checked.ok)
      throw new UsageError(`${option}: ${checked.findings.map(describeFinding).join(' ')}`);
  }
  const names = {
    '--pull-secret': options.pullSecret,
    '--name': options.name,
    '--namespace': options.namespace,
    '--cluster-set': options.clusterSet,
    '--catalog': options.catalog,
    '--catalog-namespace': options.catalogNamespace,
  };
  for (const [option, name] of Object.entries(names))
    if (name !== undefined && !NAME.test(name))
      throw new UsageError(
        `${option}: "${name}" is no name of an object. Use lower case letters, digits, - and dots.`,
      );
}

function checkBeside({ form, builder, guardNamespaces, webhooks }: InstallOptions): void {
  if (builder !== 'buildah' || guardNamespaces || webhooks)
    throw new UsageError(
      `--form ${form}: give --builder, --guard-namespaces and --webhooks to the form that installs the operator.`,
    );
}

function checkRunbooks({ form, runbooks }: InstallOptions): void {
  if (runbooks === undefined) return;
  if (form !== 'monitoring') throw new UsageError('--runbooks: alerts belong to --form monitoring.');
  if (!URL.canParse(runbooks) || !/^https?:$/.test(new URL(runbooks).protocol))
    throw new UsageError(`--runbooks: "${runbooks}" is no address. Write it as https://docs.example.com/.`);
}

function checkGuard(edition: EditionName, form: FormName, isForOlm = false): void {
  if (!editions[edition].moduleKind.namespaced)
    throw new UsageError('--guard-namespaces: there are no Modules on a hub. Use it for spoke or cluster.');
  if (isForOlm)
    throw new UsageError(
      `--guard-namespaces: OLM carries no ValidatingAdmissionPolicy. Use a form without OLM instead of ${form}.`,
    );
}

/** Forms that may put the operator into another namespace, which the names in a certificate do not follow. */
const MOVABLE: readonly FormName[] = ['helm', 'addon'];

function checkWebhooks(certificates: Certificates, form: FormName, isForOlm = false): void {
  const refuse = (message: string) => {
    throw new UsageError(`--webhooks ${certificates}: ${message}`);
  };
  if (isForOlm && form !== 'olm')
    refuse('the bundle has them or has not; make it with --form olm --webhooks olm.');
  if (isForOlm && certificates !== 'olm') refuse('OLM makes the certificate: use --webhooks olm.');
  if (!isForOlm && certificates === 'olm') refuse(`there is no OLM in --form ${form}: use --webhooks own.`);
  if (certificates === 'cert-manager' && MOVABLE.includes(form))
    refuse(`its names would not follow the namespace of --form ${form}: use --webhooks own.`);
}

/** Who builds is written where the operator is. */
function checkBuilder(edition: EditionName, builder: BuilderName, needs?: 'image' | 'catalog'): void {
  if (editions[edition].builds === 'no')
    throw new UsageError(`--builder ${builder}: a ${edition} builds nothing. Leave it out.`);
  if (needs === 'catalog')
    throw new UsageError('--builder belongs to the bundle in the catalog. Make that with --form olm.');
}

function addLabel(text: string, all: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const [key = '', value, ...rest] = text.split('=');
  if (!key || value === undefined || rest.length > 0)
    throw new UsageError(`--cluster-label ${text} is no label. Write it as key=value.`);
  return { ...all, [key]: value };
}
