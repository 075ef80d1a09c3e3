import { shellCommand } from './shell-quote.ts';

/**
 * A command that prints who holds those of the modules that are in use, of which modprobe says no more. A pod sees only
 * its own processes, so of programs there is just the kernel's count. It takes no program but the shell, and never fails.
 *
 * @param modules names, with '-' or '_' alike; one that is not loaded, or that nobody holds, is passed over
 */
export function tellHolders(modules: readonly string[]): string {
  const names = shellCommand(modules.map((module) => module.replaceAll('-', '_')));
  const one = [
    '{ read -r uses <"$at/refcnt"; } 2>/dev/null && [ "$uses" -gt 0 ] || continue',
    'users=',
    'set --',
    'for user in "$at/holders"/*; do [ ! -e "$user" ] || { set -- "$@" "$user"; users="$users ${user##*/}"; }; done',
    'echo "Module $module is used by:${users:- no module} (references: $uses)."',
    '[ "$uses" -le $# ] || echo "Programs that use it, such as by an open device, are named by lsof or fuser on the node."',
  ];
  return `for module in ${names}; do at="/sys/module/$module"; ${one.join('; ')}; done`;
}
