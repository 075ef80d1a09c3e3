import { couldNot, insmod, inUse, UNKNOWN_SYMBOL } from './kmod-words.ts';
import type { LoaderScenario } from './scenario.ts';

const BASE = 'kmm_e2e_base 0 - (O)';
const HELD_BASE = 'kmm_e2e_base 1 kmm_e2e_user, (O)';
const USER = 'kmm_e2e_user 0 - (O)';
const BOTH = { kmm_e2e_base: 'signed', kmm_e2e_user: 'signed' } as const;

const ORDERS: readonly LoaderScenario[] = [
  {
    name: 'a dependency comes first with its user’s parameters left alone, and both go',
    node: 'secure',
    modules: BOTH,
    steps: [
      {
        load: { moduleName: 'kmm_e2e_user', parameters: ['site=east'] },
        output: [insmod('kmm_e2e_base'), insmod('kmm_e2e_user', ' site=east')],
        modules: [USER, HELD_BASE],
      },
      {
        command: 'cat /sys/module/kmm_e2e_user/parameters/site',
        output: ['east'],
        modules: [USER, HELD_BASE],
      },
      { unload: { moduleName: 'kmm_e2e_user' }, output: ['rmmod kmm_e2e_user', 'rmmod kmm_e2e_base'] },
    ],
  },
  ...(
    [
      ['kmm_e2e_one', 'kmm_e2e_two'],
      ['kmm_e2e_two', 'kmm_e2e_one'],
    ] as const
  ).map(
    (order): LoaderScenario => ({
      name: `modulesLoadingOrder ${order.join(', ')}: the last comes first and goes last`,
      node: 'secure',
      modules: { kmm_e2e_one: 'signed', kmm_e2e_two: 'signed' },
      order,
      steps: [
        {
          load: { moduleName: order[0] },
          output: order.toReversed().map((module) => insmod(module)),
          modules: order.map((module) => `${module} 0 - (O)`),
        },
        { unload: { moduleName: order[0] }, output: order.map((module) => `rmmod ${module}`) },
      ],
    }),
  ),
  {
    name: 'soft dependencies that a module names itself come before it and behind it, and go the other way round',
    node: 'secure',
    modules: { kmm_e2e_one: 'signed', kmm_e2e_two: 'signed', kmm_e2e_soft: 'signed' },
    steps: [
      {
        load: { moduleName: 'kmm_e2e_soft' },
        output: [insmod('kmm_e2e_one'), insmod('kmm_e2e_soft'), insmod('kmm_e2e_two')],
        modules: ['kmm_e2e_two 0 - (O)', 'kmm_e2e_soft 0 - (O)', 'kmm_e2e_one 0 - (O)'],
      },
      {
        unload: { moduleName: 'kmm_e2e_soft' },
        output: ['rmmod kmm_e2e_two', 'rmmod kmm_e2e_soft', 'rmmod kmm_e2e_one'],
      },
    ],
  },
  {
    name: 'a soft dependency that is refused, or not there, stops nobody',
    node: 'secure',
    modules: { kmm_e2e_one: 'unsigned', kmm_e2e_soft: 'signed' },
    steps: [
      {
        load: { moduleName: 'kmm_e2e_soft' },
        output: [insmod('kmm_e2e_one'), insmod('kmm_e2e_soft')],
        modules: ['kmm_e2e_soft 0 - (O)'],
        log: ['Loading of unsigned module is rejected'],
      },
    ],
  },
];

const PARAMETERS: readonly LoaderScenario[] = [
  {
    name: 'an unknown parameter stops nobody, and only the log tells',
    node: 'secure',
    modules: { kmm_e2e_base: 'signed' },
    steps: [
      {
        load: { moduleName: 'kmm_e2e_base', parameters: ['frob=1'] },
        output: [insmod('kmm_e2e_base', ' frob=1')],
        modules: [BASE],
        log: ["kmm_e2e_base: unknown parameter 'frob' ignored"],
      },
    ],
  },
  {
    name: 'a module that is there is not loaded twice; modprobe minds only where it is asked to',
    node: 'secure',
    modules: { kmm_e2e_base: 'signed' },
    steps: [
      { load: { moduleName: 'kmm_e2e_base' }, output: [insmod('kmm_e2e_base')], modules: [BASE] },
      { load: { moduleName: 'kmm_e2e_base' }, modules: [BASE] },
      {
        load: { moduleName: 'kmm_e2e_base', args: { load: ['--first-time'], unload: ['-r'] } },
        code: 1,
        output: [couldNot('kmm_e2e_base', 'Module already in kernel')],
        words: [couldNot('kmm_e2e_base', 'Module already in kernel')],
        modules: [BASE],
      },
    ],
  },
  {
    name: 'raw arguments are all that modprobe gets',
    node: 'secure',
    modules: { kmm_e2e_one: 'signed', kmm_e2e_two: 'signed' },
    steps: [
      {
        load: { rawArgs: { load: ['-d', '/opt', '-a', 'kmm_e2e_one', 'kmm_e2e_two'], unload: [] } },
        modules: ['kmm_e2e_two 0 - (O)', 'kmm_e2e_one 0 - (O)'],
      },
      {
        unload: {
          rawArgs: { load: [], unload: ['-rv', '-d', '/opt', 'kmm_e2e_one', 'kmm_e2e_two'] },
        },
        output: ['rmmod kmm_e2e_one', 'rmmod kmm_e2e_two'],
      },
    ],
  },
];

const FIRMWARE: readonly LoaderScenario[] = [
  {
    name: 'firmware is there when the driver asks for it, and goes with it',
    node: 'secure',
    modules: { kmm_e2e_fw: 'signed' },
    firmware: { 'kmm-e2e.bin': 'firmware' },
    steps: [
      {
        load: { moduleName: 'kmm_e2e_fw', firmwarePath: '/firmware', parameters: ['fw=kmm-e2e.bin'] },
        output: [insmod('kmm_e2e_fw', ' fw=kmm-e2e.bin')],
        modules: ['kmm_e2e_fw 0 - (O)'],
        log: ['firmware: direct-loading firmware kmm-e2e.bin'],
      },
      { command: 'ls /var/lib/firmware', output: ['kmm-e2e.bin'], modules: ['kmm_e2e_fw 0 - (O)'] },
      { unload: { moduleName: 'kmm_e2e_fw', firmwarePath: '/firmware' }, output: ['rmmod kmm_e2e_fw'] },
      { command: 'ls /var/lib/firmware' },
    ],
  },
  {
    name: 'a driver whose firmware is missing does not come',
    node: 'secure',
    modules: { kmm_e2e_fw: 'signed' },
    steps: [
      {
        load: { moduleName: 'kmm_e2e_fw', parameters: ['fw=none.bin'] },
        code: 1,
        output: [insmod('kmm_e2e_fw', ' fw=none.bin'), couldNot('kmm_e2e_fw', UNKNOWN_SYMBOL)],
        words: [couldNot('kmm_e2e_fw', UNKNOWN_SYMBOL)],
        // The kernel looks for the file, then for the file packed.
        log: ['firmware: failed to load none.bin (-2)', 'firmware: failed to load none.bin (-2)'],
      },
    ],
  },
];

const HOLDERS: readonly LoaderScenario[] = [
  {
    name: 'a module that another one uses stays, and the other one is named',
    node: 'secure',
    modules: BOTH,
    steps: [
      {
        load: { moduleName: 'kmm_e2e_user' },
        output: [insmod('kmm_e2e_base'), insmod('kmm_e2e_user')],
        modules: [USER, HELD_BASE],
      },
      {
        unload: { moduleName: 'kmm_e2e_base' },
        code: 1,
        words: inUse('kmm_e2e_base', 1, 'kmm_e2e_user'),
        modules: [USER, HELD_BASE],
      },
    ],
  },
  {
    name: 'a module whose device is open stays until it is closed, and how many hold it is told',
    node: 'secure',
    modules: BOTH,
    steps: [
      {
        load: { moduleName: 'kmm_e2e_user' },
        output: [insmod('kmm_e2e_base'), insmod('kmm_e2e_user')],
        modules: [USER, HELD_BASE],
      },
      { device: 'opened', modules: ['kmm_e2e_user 1 - (O)', HELD_BASE] },
      {
        unload: { moduleName: 'kmm_e2e_user' },
        code: 1,
        words: inUse('kmm_e2e_user', 1),
        modules: ['kmm_e2e_user 1 - (O)', HELD_BASE],
      },
      { device: 'closed', words: inUse('kmm_e2e_user', 1), modules: [USER, HELD_BASE] },
      {
        unload: { moduleName: 'kmm_e2e_user' },
        output: ['rmmod kmm_e2e_user', 'rmmod kmm_e2e_base'],
        words: inUse('kmm_e2e_user', 1),
      },
    ],
  },
  {
    name: 'an in-tree module makes room, stays away as in KMM, and can be had again',
    node: 'secure',
    modules: { kmm_e2e_base: 'signed' },
    steps: [
      { command: 'modprobe dummy', modules: ['dummy 0 -'] },
      {
        load: { moduleName: 'kmm_e2e_base' },
        inTreeModulesToRemove: ['none', 'dummy'],
        output: [insmod('kmm_e2e_base')],
        modules: [BASE],
      },
      { unload: { moduleName: 'kmm_e2e_base' }, output: ['rmmod kmm_e2e_base'] },
      { command: 'modprobe dummy', modules: ['dummy 0 -'] },
    ],
  },
];

/** Modules that come and go: in which order, with what, and who holds them. */
export const LOADS: readonly LoaderScenario[] = [...ORDERS, ...PARAMETERS, ...FIRMWARE, ...HOLDERS];
