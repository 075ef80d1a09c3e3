/** What one guest is told about the world: addresses as the guest sees them. */
export interface GuestSetting {
  /** Of the node. */
  readonly name: string;
  /** Of the API server, with a certificate for `localhost`. */
  readonly server: string;
  readonly token: string;
  /** PEM, of API server and registry. */
  readonly ca: string;
  /** What images are named after, `host:port`; guests reach it at {@link HOST}. */
  readonly registry: string;
}

/** The host, to a guest on qemu's user network, and to its pods. */
export const HOST = '10.0.2.2';
/** What holds the namespaces of a pod; a name of no registry, since it is on the disk. */
export const SANDBOX_IMAGE = 'sandbox.invalid/sandbox:1.0';

/** Modules that bring the disk, in the order in which each finds what it needs. */
export const BOOT_MODULES = [
  'drivers/virtio/virtio_ring',
  'drivers/virtio/virtio',
  'drivers/virtio/virtio_pci_legacy_dev',
  'drivers/virtio/virtio_pci_modern_dev',
  'drivers/virtio/virtio_pci',
  'drivers/block/virtio_blk',
] as const;

/** Init of the initial RAM disk: finds the disk, lays the guest's own files over it, and goes on there. */
export const RAM_DISK_INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
${BOOT_MODULES.map((path) => `insmod /modules/${path.split('/').at(-1)}.ko`).join('\n')}
while [ ! -b /dev/vda ]; do sleep 0.05; done
mount -t ext4 /dev/vda /disk
cp -a /seed/. /disk/
umount /proc /sys
mount --move /dev /disk/dev
exec switch_root /disk /sbin/guest-init
`;

/** Init of the node: what systemd would do, containerd and kubelet, and a shell for the tests on the second serial port. */
export const GUEST_INIT = `#!/bin/busybox sh
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts /dev/shm /run /tmp
mount -t devpts devpts /dev/pts
for folder in /dev/shm /run /tmp; do mount -t tmpfs tmpfs $folder; done
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security
mount --make-rshared /
echo '+cpuset +cpu +io +memory +pids +hugetlb' >/sys/fs/cgroup/cgroup.subtree_control
hostname "$(cat /etc/hostname)"
modprobe -a virtio_net overlay bridge veth
ip link set lo up
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
ip route add default via ${HOST}
# Answers of the host to pods are for addresses that only this machine knows.
echo 1 >/proc/sys/net/ipv4/conf/eth0/proxy_arp
# Go collects its garbage less often: the memory is there, and the work is emulated. Threads that wake one another, and
# signals, are what emulation is slowest at.
export GOGC=400 GODEBUG=asyncpreemptoff=1 GOMAXPROCS=1
# As systemd keeps them: a kubelet that finds no containerd yet ends at once.
keep() {
  while true; do
    "$@" >>"/var/log/$1.log" 2>&1
    echo "$1 ended with $? and starts again" >>"/var/log/$1.log"
    sleep 1
  done
}
keep containerd &
keep kubelet --config=/etc/kubernetes/kubelet.yaml --kubeconfig=/etc/kubernetes/kubeconfig \\
  --hostname-override="$(cat /etc/hostname)" --node-ip=10.0.2.15 --housekeeping-interval=5m &
stty -F /dev/ttyS1 raw -echo
exec </dev/ttyS1 >/dev/ttyS1 2>&1
echo "GUEST READY"
while read -r number line; do
  (eval "$line") </dev/null
  echo "GUEST EXIT $number $?"
done
`;

/** Files of one guest by their path. Pure. */
export function guestFiles(setting: GuestSetting): Readonly<Record<string, string>> {
  const { name, server, token, ca, registry } = setting;
  const port = registry.split(':').at(-1);
  return {
    '/etc/hostname': `${name}\n`,
    '/etc/resolv.conf': '',
    '/etc/hosts': `127.0.0.1 localhost ${name}\n`,
    '/etc/kubernetes/ca.crt': ca,
    '/etc/kubernetes/kubelet.yaml': json(KUBELET),
    '/etc/kubernetes/kubeconfig': json(kubeconfig(server, token)),
    '/etc/containerd/config.toml': CONTAINERD,
    [`/etc/containerd/certs.d/${registry}/hosts.toml`]: registryHost(`https://${HOST}:${port}`),
    [`/etc/containerd/certs.d/${HOST}:${port}/hosts.toml`]: registryHost(`https://${HOST}:${port}`),
    '/etc/cni/net.d/10-pods.conflist': json(POD_NETWORK),
  };
}

const json = (value: object) => `${JSON.stringify(value, null, 2)}\n`;

const KUBELET = {
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: '/etc/kubernetes/ca.crt' },
  },
  authorization: { mode: 'Webhook' },
  containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
  cgroupDriver: 'cgroupfs',
  failSwapOn: false,
  resolvConf: '/etc/resolv.conf',
  makeIPTablesUtilChains: false,
  // What a kubelet looks at every few seconds and nobody here asks about is a third of what it costs: cgroups of pods,
  // pressure on the disk, sizes of volumes and logs.
  cgroupsPerQOS: false,
  enforceNodeAllocatable: [],
  evictionHard: { 'memory.available': '0%' },
  localStorageCapacityIsolation: false,
  volumeStatsAggPeriod: '-1s',
  containerLogMonitorInterval: '1h',
  // Two pods of a node may wait for images at once, and no image is ever thrown away.
  serializeImagePulls: false,
  imageGCHighThresholdPercent: 100,
};

const kubeconfig = (server: string, token: string) => ({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'node',
  clusters: [
    {
      name: 'node',
      cluster: { server, 'certificate-authority': '/etc/kubernetes/ca.crt', 'tls-server-name': 'localhost' },
    },
  ],
  users: [{ name: 'node', user: { token } }],
  contexts: [{ name: 'node', context: { cluster: 'node', user: 'node' } }],
});

const CONTAINERD = `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${SANDBOX_IMAGE}"
  disable_apparmor = true
  stats_collect_period = 600
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "/etc/containerd/certs.d"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
`;

const registryHost = (url: string) => `server = "${url}"
[host."${url}"]
  ca = "/etc/kubernetes/ca.crt"
`;

/** The interface `lo` is containerd's own doing. */
const POD_NETWORK = {
  cniVersion: '0.4.0',
  name: 'pods',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipMasq: false,
      ipam: { type: 'host-local', ranges: [[{ subnet: '10.88.0.0/16' }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
  ],
};
