/**
 * What a container asks for in which buildah builds with chroot isolation. It mounts the file systems of the containers
 * that it builds in, unpacks images with device nodes, and gives the steps of a Dockerfile the rest, as it does
 * everywhere. All are named: container runtimes differ in what they give by themselves.
 */
export const BUILDAH_SECURITY = {
  runAsUser: 0,
  readOnlyRootFilesystem: true,
  capabilities: {
    drop: ['ALL'],
    add: [
      ...['SYS_ADMIN', 'MKNOD'],
      ...['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'NET_BIND_SERVICE'],
      ...['SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'],
    ],
  },
  // AppArmor's default profile forbids mounts; that of seccomp allows them to who has SYS_ADMIN.
  appArmorProfile: { type: 'Unconfined' },
  seccompProfile: { type: 'RuntimeDefault' },
};

/** Where buildah writes beside its storage, on a file system that is read-only otherwise; /run has its locks. */
export const BUILDAH_FOLDERS = [
  { name: 'tmp', path: '/tmp' },
  { name: 'run', path: '/run' },
] as const;
