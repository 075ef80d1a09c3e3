import { build, type ImageBench } from './test-modules.ts';

/** What is to be built with it. */
interface Purpose {
  /** Image with the module's source, `<module>.c`. */
  readonly source: string;
  readonly module: string;
  readonly kernel: string;
}

/**
 * Makes a toolkit image for one module from the whole one: a machine without hardware help takes minutes to unpack some
 * 26,000 headers, of which the compiler reads 400. What is left lies above the image that modules are loaded from.
 */
export async function buildSmallToolkit(bench: ImageBench, purpose: Purpose): Promise<string> {
  const image = `${bench.address}/small-toolkit:1`;
  await build(bench, image, recipe(bench, purpose), {});
  return image;
}

const FOLDERS = ['/bin', '/usr/bin', '/usr/lib', '/usr/src', '/lib/modules', '/lib/x86_64-linux-gnu'];

const recipe = (
  { toolkit, runtime }: ImageBench,
  { source, module, kernel }: Purpose,
) => `FROM ${source} AS source
FROM ${toolkit} AS whole
WORKDIR /module
COPY --from=source /${module}.c ./
RUN echo 'obj-m := ${module}.o' >Makefile && make -C /lib/modules/${kernel}/build M="$PWD" modules
RUN cat .*.cmd | tr ' ' '\\n' | grep '\\.h$' | sort -u >/used
RUN find /usr/src/linux-headers-*-common -name '*.h' | sort | comm -23 - /used | xargs rm
RUN find /usr/src -path '*/include/config/*' -size 0 -exec rm {} +
RUN cd /usr/src && rm -rf $(ls -d linux-headers-* | grep -v -x -e ${headers(kernel)} -e ${common(kernel)})
FROM ${runtime}
${FOLDERS.map((folder) => `COPY --from=whole ${folder} ${folder}`).join('\n')}
`;

const headers = (kernel: string) => `linux-headers-${kernel}`;
/** Of all flavours of a kernel. */
const common = (kernel: string) => headers(kernel.replace(/(-cloud)?-amd64$/, '-common'));
