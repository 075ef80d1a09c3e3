import { moduleNamespaceObjects, toYaml } from '@kmm-fleet/policies';
import { type Command, Option } from 'commander';
import type { Io } from '../io.ts';
import { UsageError } from '../output/user-error.ts';
import { LABEL, NAME } from './names.ts';

/** `kmm install privileges NAMESPACE`: what a namespace needs before Modules in it can load. It touches no cluster. */
export function addPrivilegesCommand(install: Command, io: Io): void {
  install
    .command('privileges')
    .description('print what Modules need in a namespace: Pod Security labels, service accounts, the SCC')
    .argument('<namespace>', 'where the Modules are')
    .addOption(
      new Option('--service-account <name>', 'that Modules there name; may be given again')
        .default([], 'default')
        .argParser((name: string, all: readonly string[]) => [...all, name]),
    )
    .addHelpText(
      'after',
      `
Nothing is applied. Name all service accounts at once: what is printed for fewer takes the right
from the others. Whoever may make Modules in such a namespace runs privileged pods on any node.

Example:
  kmm install privileges drivers --service-account loader | kubectl apply --server-side -f -`,
    )
    .action((namespace: string, { serviceAccount }: { serviceAccount: readonly string[] }) => {
      if (!LABEL.test(namespace)) throw new UsageError(`"${namespace}" is no name of a namespace. ${NEXT}`);
      for (const name of serviceAccount)
        if (!NAME.test(name)) throw new UsageError(`--service-account: "${name}" is no name. ${NEXT}`);
      const accounts = serviceAccount.length > 0 ? [...new Set(serviceAccount)] : ['default'];
      io.out.write(moduleNamespaceObjects(namespace, accounts).map(toYaml).join(''));
    });
}

const NEXT = 'Use lower case letters, digits and hyphens.';
